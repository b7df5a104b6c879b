/** The fields of `sys/storage/raft/snapshot-auto/config/:name`, and the settings they make. */
import { isAbsolute } from "node:path";
import { badRequest } from "../../base/failure.ts";
import { field, type FieldValue } from "../../backend/field.ts";
import { readGoogleKey } from "../../snapshot/auto/credentials/google_key.ts";
import {
  type AzureCloud,
  type AzureMode,
  azureModes,
  type AzureSettings,
  azureSuffixes,
  type GoogleSettings,
  type LocalSettings,
  type S3Settings,
  secretFields,
  type SnapshotSettings,
  storageTypes,
} from "../../snapshot/auto/settings.ts";
import type { JsonObject } from "../../logical/json.ts";

/** Seconds; more often than that is no backup but a load. */
const INTERVAL_MIN = 10;
const RETAIN_MAX = 10_000;

/** A host, with a scheme and a port where those are given; or nothing. */
const hostForm = /^((https?:\/\/)?[\w.-]+(:\d{1,5})?\/?)?$/;

export const autoFields = {
  interval: field.duration("Time from the start of one snapshot to the start of the next."),
  retain: field.int("How many are kept; the oldest are removed. 1 where absent."),
  path_prefix: field.string(
    "A directory, for local; else what the names in the bucket begin with.",
  ),
  file_prefix: field.string("What the files' names begin with. vault-snapshot where absent."),
  storage_type: field.string(`Where they go: ${storageTypes.join(" or ")}.`),
  autoload_enabled: field.bool(
    "Keeps the newest loaded, to recover secrets from; at most one load an hour, not for local.",
  ),
  local_max_space: field.int("local: the bytes that all files of the prefix may take."),
  aws_s3_bucket: field.string("aws-s3: the bucket."),
  aws_s3_region: field.string("aws-s3: its region."),
  aws_access_key_id: field.string(
    "aws-s3: the key's name; where absent, the environment, shared files, container and machine are asked.",
  ),
  aws_secret_access_key: field.string("aws-s3: the secret key. Never shown."),
  aws_session_token: field.string("aws-s3: for temporary keys. Never shown."),
  aws_s3_endpoint: field.string("aws-s3: host and port of another service of this protocol."),
  aws_s3_disable_tls: field.bool("aws-s3: http instead of https."),
  aws_s3_force_path_style: field.bool("aws-s3: the bucket in the path, not in the host's name."),
  aws_s3_server_side_encryption: field.bool("aws-s3: encrypted by S3 with AES256."),
  aws_s3_enable_kms: field.bool("aws-s3: encrypted by S3 with a key of KMS."),
  aws_s3_kms_key: field.string("aws-s3: which key of KMS; the default one where absent."),
  azure_container_name: field.string("azure-blob: the container."),
  azure_account_name: field.string("azure-blob: the storage account."),
  azure_account_key: field.string("azure-blob: its key, for shared. Never shown."),
  azure_auth_mode: field.string(
    "azure-blob: shared, for the account's key; managed, for an identity of the machine; or " +
      "environment, for AZURE_TENANT_ID and its fellows.",
  ),
  azure_client_id: field.string("azure-blob: which identity; not for shared."),
  azure_blob_environment: field.string("azure-blob: the cloud, such as AZUREPUBLICCLOUD."),
  azure_endpoint: field.string("azure-blob: the URL of another service of this protocol."),
  google_gcs_bucket: field.string("google-gcs: the bucket."),
  google_service_account_key: field.string(
    "google-gcs: a key file's JSON text; where absent, the environment and the machine are asked. Never shown.",
  ),
  google_endpoint: field.string("google-gcs: host and port of another service of this protocol."),
  google_disable_tls: field.bool("google-gcs: http instead of https."),
};

/** What a request gives; absent fields are undefined. */
export type AutoInput = {
  readonly [K in keyof typeof autoFields]?: FieldValue<typeof autoFields[K]>;
};

/** What is given over what was set before. Throws a 400 that names the field. */
export function makeSettings(
  given: AutoInput,
  before: SnapshotSettings | undefined,
): SnapshotSettings {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const all: AutoInput = { ...before, ...Object.fromEntries(present) };
  const { interval, retain = 1, path_prefix, file_prefix = "vault-snapshot", storage_type } = all;
  const { autoload_enabled = false } = all;
  if (autoload_enabled && storage_type === "local") {
    throw badRequest("autoload_enabled is not for storage_type local");
  }
  if (interval === undefined) throw badRequest("missing interval");
  if (interval < INTERVAL_MIN) throw badRequest(`interval must be at least ${INTERVAL_MIN}s`);
  if (retain < 1 || retain > RETAIN_MAX) throw badRequest(`retain must be 1 to ${RETAIN_MAX}`);
  if (path_prefix === undefined) throw badRequest("missing path_prefix");
  if (!/^[\w.-]{1,100}$/.test(file_prefix)) {
    throw badRequest("file_prefix must be 1 to 100 letters, digits, dots, dashes or underscores");
  }
  const common = { interval, retain, path_prefix, file_prefix, autoload_enabled };
  if (storage_type === "local") return { storage_type, ...common, ...local(all, path_prefix) };
  if (storage_type === "aws-s3") return { storage_type, ...common, ...s3(all) };
  if (storage_type === "azure-blob") return { storage_type, ...common, ...azure(all) };
  if (storage_type === "google-gcs") return { storage_type, ...common, ...google(all) };
  if (storage_type === undefined) throw badRequest("missing storage_type");
  throw badRequest(
    `storage_type ${JSON.stringify(storage_type)} is not in this build; ` +
      `it has ${storageTypes.join(" and ")}`,
  );
}

type OwnFields<T extends SnapshotSettings> = Omit<
  T,
  "interval" | "retain" | "path_prefix" | "file_prefix" | "autoload_enabled" | "storage_type"
>;

function local({ local_max_space }: AutoInput, folder: string): OwnFields<LocalSettings> {
  if (!isAbsolute(folder)) throw badRequest("path_prefix must be an absolute path");
  if (local_max_space === undefined) throw badRequest("missing local_max_space");
  if (local_max_space < 1) throw badRequest("local_max_space must be greater than 0");
  return { local_max_space };
}

function s3(all: AutoInput): OwnFields<S3Settings> {
  const { aws_s3_bucket, aws_s3_region, aws_s3_endpoint = "" } = all;
  if (!aws_s3_bucket) throw badRequest("missing aws_s3_bucket");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(aws_s3_bucket)) {
    throw badRequest("aws_s3_bucket is no bucket's name");
  }
  if (!aws_s3_region) throw badRequest("missing aws_s3_region");
  if (!/^[a-z0-9-]{1,40}$/.test(aws_s3_region)) throw badRequest("aws_s3_region is no region");
  if (!hostForm.test(aws_s3_endpoint)) {
    throw badRequest("aws_s3_endpoint must be a host, with a port where needed");
  }
  const { aws_access_key_id = "", aws_secret_access_key = "", aws_session_token = "" } = all;
  if ((aws_access_key_id === "") !== (aws_secret_access_key === "")) {
    throw badRequest("aws_access_key_id and aws_secret_access_key go together");
  }
  const { aws_s3_server_side_encryption = false, aws_s3_enable_kms = false } = all;
  const { aws_s3_kms_key = "" } = all;
  if (aws_s3_server_side_encryption && aws_s3_enable_kms) {
    throw badRequest("aws_s3_server_side_encryption and aws_s3_enable_kms exclude each other");
  }
  if (aws_s3_kms_key !== "" && !aws_s3_enable_kms) {
    throw badRequest("aws_s3_kms_key needs aws_s3_enable_kms");
  }
  return {
    aws_s3_bucket,
    aws_s3_region,
    aws_s3_endpoint,
    aws_access_key_id,
    aws_secret_access_key,
    aws_session_token,
    aws_s3_disable_tls: all.aws_s3_disable_tls ?? aws_s3_endpoint.startsWith("http://"),
    aws_s3_force_path_style: all.aws_s3_force_path_style ?? false,
    aws_s3_server_side_encryption,
    aws_s3_enable_kms,
    aws_s3_kms_key,
  };
}

function azure(all: AutoInput): OwnFields<AzureSettings> {
  const { azure_container_name, azure_account_name } = all;
  const { azure_auth_mode = "shared", azure_client_id = "", azure_endpoint = "" } = all;
  if (!isMode(azure_auth_mode)) {
    throw badRequest(`azure_auth_mode must be one of ${azureModes.join(", ")}`);
  }
  const isShared = azure_auth_mode === "shared";
  if (isShared && azure_client_id !== "") {
    throw badRequest("azure_client_id is for azure_auth_mode managed and environment");
  }
  if (!azure_container_name) throw badRequest("missing azure_container_name");
  if (!/^[a-z0-9$][a-z0-9-]{2,62}$/.test(azure_container_name)) {
    throw badRequest("azure_container_name is no container's name");
  }
  if (!azure_account_name) throw badRequest("missing azure_account_name");
  if (!/^[a-z0-9]{3,24}$/.test(azure_account_name)) {
    throw badRequest("azure_account_name is no account's name");
  }
  // A key that is not used is not kept.
  const { azure_account_key = "" } = isShared ? all : {};
  if (isShared && azure_account_key === "") throw badRequest("missing azure_account_key");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(azure_account_key)) {
    throw badRequest("azure_account_key must be in base64");
  }
  if (!/^((https?:\/\/)?[\w.-]+(:\d{1,5})?(\/[\w-]*)?)?$/.test(azure_endpoint)) {
    throw badRequest("azure_endpoint must be a URL");
  }
  const cloud = (all.azure_blob_environment || "AZUREPUBLICCLOUD").toUpperCase();
  if (!isCloud(cloud)) {
    const known = Object.keys(azureSuffixes).join(", ");
    throw badRequest(`azure_blob_environment must be one of ${known}`);
  }
  return {
    azure_container_name,
    azure_account_name,
    azure_account_key,
    azure_auth_mode,
    azure_client_id,
    azure_blob_environment: cloud,
    azure_endpoint,
  };
}

function isMode(name: string): name is AzureMode {
  return azureModes.some((mode) => mode === name);
}

function isCloud(name: string): name is AzureCloud {
  return Object.hasOwn(azureSuffixes, name);
}

function google(all: AutoInput): OwnFields<GoogleSettings> {
  const { google_gcs_bucket, google_service_account_key = "", google_endpoint = "" } = all;
  if (!google_gcs_bucket) throw badRequest("missing google_gcs_bucket");
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(google_gcs_bucket)) {
    throw badRequest("google_gcs_bucket is no bucket's name");
  }
  if (!hostForm.test(google_endpoint)) {
    throw badRequest("google_endpoint must be a host, with a port where needed");
  }
  if (google_service_account_key !== "") readGoogleKey(google_service_account_key);
  return {
    google_gcs_bucket,
    google_service_account_key,
    google_endpoint,
    google_disable_tls: all.google_disable_tls ?? google_endpoint.startsWith("http://"),
  };
}

/** What may be shown of settings. */
export function shownSettings(settings: SnapshotSettings): JsonObject {
  const shown = Object.entries(settings).filter(([name]) => !secretFields.has(name));
  return { autoload_enabled: false, ...Object.fromEntries(shown) };
}
