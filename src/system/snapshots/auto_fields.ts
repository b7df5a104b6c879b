/** The fields of `sys/storage/raft/snapshot-auto/config/:name`, and the settings they make. */
import { isAbsolute } from "node:path";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import {
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

export const autoFields = {
  interval: field.duration("Time from the start of one snapshot to the start of the next."),
  retain: field.int("How many are kept; the oldest are removed. 1 where absent."),
  path_prefix: field.string(
    "A directory, for local; else what the names in the bucket begin with.",
  ),
  file_prefix: field.string("What the files' names begin with. vault-snapshot where absent."),
  storage_type: field.string(`Where they go: ${storageTypes.join(" or ")}.`),
  autoload_enabled: field.bool("Not in this build: must be false."),
  local_max_space: field.int("local: the bytes that all files of the prefix may take."),
  aws_s3_bucket: field.string("aws-s3: the bucket."),
  aws_s3_region: field.string("aws-s3: its region."),
  aws_access_key_id: field.string("aws-s3: the key's name; the environment's key where absent."),
  aws_secret_access_key: field.string("aws-s3: the secret key. Never shown."),
  aws_session_token: field.string("aws-s3: for temporary keys. Never shown."),
  aws_s3_endpoint: field.string("aws-s3: host and port of another service of this protocol."),
  aws_s3_disable_tls: field.bool("aws-s3: http instead of https."),
  aws_s3_force_path_style: field.bool("aws-s3: the bucket in the path, not in the host's name."),
  aws_s3_server_side_encryption: field.bool("aws-s3: encrypted by S3 with AES256."),
  aws_s3_enable_kms: field.bool("aws-s3: encrypted by S3 with a key of KMS."),
  aws_s3_kms_key: field.string("aws-s3: which key of KMS; the default one where absent."),
};

/** What a request gives; absent fields are undefined. */
export interface AutoInput {
  readonly interval?: number | undefined;
  readonly retain?: number | undefined;
  readonly path_prefix?: string | undefined;
  readonly file_prefix?: string | undefined;
  readonly storage_type?: string | undefined;
  readonly autoload_enabled?: boolean | undefined;
  readonly local_max_space?: number | undefined;
  readonly aws_s3_bucket?: string | undefined;
  readonly aws_s3_region?: string | undefined;
  readonly aws_access_key_id?: string | undefined;
  readonly aws_secret_access_key?: string | undefined;
  readonly aws_session_token?: string | undefined;
  readonly aws_s3_endpoint?: string | undefined;
  readonly aws_s3_disable_tls?: boolean | undefined;
  readonly aws_s3_force_path_style?: boolean | undefined;
  readonly aws_s3_server_side_encryption?: boolean | undefined;
  readonly aws_s3_enable_kms?: boolean | undefined;
  readonly aws_s3_kms_key?: string | undefined;
}

/** What is given over what was set before. Throws a 400 that names the field. */
export function makeSettings(
  given: AutoInput,
  before: SnapshotSettings | undefined,
): SnapshotSettings {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const all: AutoInput = { ...before, ...Object.fromEntries(present) };
  const { interval, retain = 1, path_prefix, file_prefix = "vault-snapshot", storage_type } = all;
  if (all.autoload_enabled === true) throw badRequest("autoload_enabled is not in this build");
  if (interval === undefined) throw badRequest("missing interval");
  if (interval < INTERVAL_MIN) throw badRequest(`interval must be at least ${INTERVAL_MIN}s`);
  if (retain < 1 || retain > RETAIN_MAX) throw badRequest(`retain must be 1 to ${RETAIN_MAX}`);
  if (path_prefix === undefined) throw badRequest("missing path_prefix");
  if (!/^[\w.-]{1,100}$/.test(file_prefix)) {
    throw badRequest("file_prefix must be 1 to 100 letters, digits, dots, dashes or underscores");
  }
  const common = { interval, retain, path_prefix, file_prefix };
  if (storage_type === "local") return { storage_type, ...common, ...local(all, path_prefix) };
  if (storage_type === "aws-s3") return { storage_type, ...common, ...s3(all) };
  if (storage_type === undefined) throw badRequest("missing storage_type");
  throw badRequest(
    `storage_type ${JSON.stringify(storage_type)} is not in this build; ` +
      `it has ${storageTypes.join(" and ")}`,
  );
}

type OwnFields<T> = Omit<T, "interval" | "retain" | "path_prefix" | "file_prefix" | "storage_type">;

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
  if (!/^((https?:\/\/)?[\w.-]+(:\d{1,5})?\/?)?$/.test(aws_s3_endpoint)) {
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

/** What may be shown of settings. */
export function shownSettings(settings: SnapshotSettings): JsonObject {
  const shown = Object.entries(settings).filter(([name]) => !secretFields.has(name));
  return { ...Object.fromEntries(shown), autoload_enabled: false };
}
