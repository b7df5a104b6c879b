/** How a key is split among people: what `core/seal-config` says. It holds no secret. */
import { type Bytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { badRequest } from "../base/failure.ts";
import { CorruptionError } from "../storage/storage.ts";

export interface SealConfig {
  /** "shamir", or the name of a seal that unseals by itself. */
  readonly type: string;
  /** Shares that exist, 1 to 255. */
  readonly shares: number;
  /** Shares that are needed, at most as many. */
  readonly threshold: number;
  /** Public keys, base64, that the shares were encrypted for; empty for none. */
  readonly pgpKeys: readonly string[];
  /** Whether PGP-encrypted copies of the shares are kept. */
  readonly backup: boolean;
}

/** The most shares that a byte can number. */
export const SHARES_MAX = 255;

/** Throws a 400 `Failure` whose sentence begins with `prefix` where numbers are out of range. */
export function checkSplit(config: SealConfig, prefix = "invalid seal configuration: "): void {
  const { shares, threshold, pgpKeys } = config;
  const wrong = (sentence: string) => badRequest(prefix + sentence);
  if (!(Number.isInteger(shares) && shares >= 1)) throw wrong("shares must be at least one");
  if (!(Number.isInteger(threshold) && threshold >= 1)) {
    throw wrong("threshold must be at least one");
  }
  if (shares > 1 && threshold === 1) {
    throw wrong("threshold must be greater than one for multiple shares");
  }
  if (shares > SHARES_MAX) throw wrong("shares must be less than 256");
  if (threshold > SHARES_MAX) throw wrong("threshold must be less than 256");
  if (threshold > shares) throw wrong("threshold cannot be larger than shares");
  if (pgpKeys.length > 0 && pgpKeys.length !== shares) {
    throw wrong("count mismatch between number of provided PGP keys and number of shares");
  }
}

/** The stored form, with Vault's names. */
export function encodeSealConfig(config: SealConfig): Bytes {
  return utf8(JSON.stringify({
    type: config.type,
    secret_shares: config.shares,
    secret_threshold: config.threshold,
    pgp_keys: config.pgpKeys.length === 0 ? null : config.pgpKeys,
    nonce: "",
    backup: config.backup,
    stored_shares: 1,
  }));
}

/** The reverse. Throws `CorruptionError` naming the key where the value makes no sense. */
export function decodeSealConfig(key: string, bytes: Bytes): SealConfig {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new CorruptionError(`the value of ${key} is not JSON`, { cause });
  }
  const field = (name: string): unknown =>
    typeof json === "object" && json !== null ? Reflect.get(json, name) : undefined;
  const type = field("type");
  const shares = field("secret_shares");
  const threshold = field("secret_threshold");
  const keys = field("pgp_keys") ?? [];
  if (typeof type !== "string" || typeof shares !== "number" || typeof threshold !== "number") {
    throw new CorruptionError(`the value of ${key} lacks a type, shares or a threshold`);
  }
  const pgpKeys = Array.isArray(keys) ? keys.filter((k) => typeof k === "string") : [];
  const config = { type, shares, threshold, pgpKeys, backup: field("backup") === true };
  try {
    checkSplit({ ...config, pgpKeys: [] });
  } catch (cause) {
    throw new CorruptionError(`the value of ${key} is out of range`, { cause });
  }
  return config;
}
