/** What an automated snapshot is told to do. The names are the API's. */

export const storageTypes = ["local", "aws-s3", "azure-blob", "google-gcs"] as const;
export type StorageType = typeof storageTypes[number];

/** Fields for every kind of target. */
interface CommonSettings {
  /** Seconds from the start of one to the start of the next. */
  readonly interval: number;
  /** How many are kept. */
  readonly retain: number;
  /** A directory, or what the keys in a bucket begin with. */
  readonly path_prefix: string;
  readonly file_prefix: string;
  /** Whether the newest is kept loaded. Absent in settings of older versions. */
  readonly autoload_enabled?: boolean;
}

export interface LocalSettings extends CommonSettings {
  readonly storage_type: "local";
  /** Bytes that all files of this prefix may take. */
  readonly local_max_space: number;
}

export interface S3Settings extends CommonSettings {
  readonly storage_type: "aws-s3";
  readonly aws_s3_bucket: string;
  readonly aws_s3_region: string;
  /** "" for keys that the server finds around it; the two secrets are "" then, too. */
  readonly aws_access_key_id: string;
  readonly aws_secret_access_key: string;
  readonly aws_session_token: string;
  /** "" for Amazon's own. */
  readonly aws_s3_endpoint: string;
  readonly aws_s3_disable_tls: boolean;
  readonly aws_s3_force_path_style: boolean;
  readonly aws_s3_server_side_encryption: boolean;
  readonly aws_s3_enable_kms: boolean;
  readonly aws_s3_kms_key: string;
}

/** Where each of Azure's clouds keeps its blobs. */
export const azureSuffixes = {
  AZUREPUBLICCLOUD: "core.windows.net",
  AZURECHINACLOUD: "core.chinacloudapi.cn",
  AZUREGERMANCLOUD: "core.cloudapi.de",
  AZUREUSGOVERNMENTCLOUD: "core.usgovcloudapi.net",
} as const;
export type AzureCloud = keyof typeof azureSuffixes;

/** The account's key, an identity of the machine, or one that the environment names. */
export const azureModes = ["shared", "managed", "environment"] as const;
export type AzureMode = typeof azureModes[number];

export interface AzureSettings extends CommonSettings {
  readonly storage_type: "azure-blob";
  readonly azure_container_name: string;
  readonly azure_account_name: string;
  /** "" unless the account's key is shared. */
  readonly azure_account_key: string;
  readonly azure_auth_mode: AzureMode;
  /** Which identity; absent or "" for the one there is. Absent in settings of older versions. */
  readonly azure_client_id?: string;
  readonly azure_blob_environment: AzureCloud;
  /** "" for the cloud's own; else a URL, its path included. */
  readonly azure_endpoint: string;
}

export interface GoogleSettings extends CommonSettings {
  readonly storage_type: "google-gcs";
  readonly google_gcs_bucket: string;
  /** A key file's text; "" for credentials that the server finds around it. */
  readonly google_service_account_key: string;
  /** "" for Google's own. */
  readonly google_endpoint: string;
  readonly google_disable_tls: boolean;
}

export type SnapshotSettings = LocalSettings | S3Settings | AzureSettings | GoogleSettings;

/** Fields that are stored, behind the barrier, and never told again. */
export const secretFields: ReadonlySet<string> = new Set([
  "aws_secret_access_key",
  "aws_session_token",
  "azure_account_key",
  "google_service_account_key",
]);
