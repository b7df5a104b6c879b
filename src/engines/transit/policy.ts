/** What is kept of a key: one entry for what is said of it, and one for each version's material. */
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import { timeKey } from "../../base/time_key.ts";
import type { View } from "../../storage/transaction.ts";
import type { KeyTypeName } from "./key_types.ts";

/** A moment (milliseconds) and the newest version then. */
export interface Milestone {
  readonly time: number;
  readonly version: number;
}

/** Holds nothing secret. */
export interface KeyPolicy {
  readonly name: string;
  readonly type: KeyTypeName;
  /** Bytes of an HMAC key, else 0. */
  readonly keySize: number;
  readonly derived: boolean;
  readonly kdf: "hmac-sha256-counter" | "hkdf_sha256";
  readonly convergent: boolean;
  /** How nonces are made: -1 as each version says, 0 where not convergent. */
  readonly convergentVersion: number;
  readonly exportable: boolean;
  readonly allowPlaintextBackup: boolean;
  readonly deletionAllowed: boolean;
  readonly softDeleted: boolean;
  readonly imported: boolean;
  readonly allowImportedRotation: boolean;
  /** Seconds; 0 for never. */
  readonly autoRotatePeriod: number;
  readonly latestVersion: number;
  /** When the latest version was made, milliseconds. */
  readonly latestCreated: number;
  readonly minDecryptionVersion: number;
  readonly minEncryptionVersion: number;
  readonly minAvailableVersion: number;
  readonly backedUp?: Milestone;
  readonly restored?: Milestone;
}

export interface KeyVersion {
  /** Milliseconds. */
  readonly created: number;
  /** In base64: a symmetric key as it is, a pair as PKCS #8. Absent where only its public half is known. */
  readonly key?: string;
  /** SubjectPublicKeyInfo in base64, of pairs. */
  readonly publicKey?: string;
  /** In base64. */
  readonly hmacKey: string;
  readonly convergentVersion: number;
  /** DER in base64, leaf first. */
  readonly certificateChain?: readonly string[];
}

const policies = "policy/";
const versions = "version/";
const due = "due/";

/** Entries read from storage in one go. */
const pageSize = 500;

export function policyKey(name: string): string {
  return policies + name;
}

export function decodePolicy(bytes: Bytes): KeyPolicy {
  const policy: KeyPolicy = JSON.parse(storedText(bytes));
  return policy;
}

/** Whether a changed entry of a mount is of a key, and which one. */
export function changedKey(entry: string): string | undefined {
  return entry.startsWith(policies) ? entry.slice(policies.length) : undefined;
}

/** When a key rotates by itself, milliseconds since the epoch; undefined for never. */
export function rotationTime(policy: KeyPolicy): number | undefined {
  const { autoRotatePeriod, softDeleted, imported, allowImportedRotation } = policy;
  if (autoRotatePeriod === 0 || softDeleted || (imported && !allowImportedRotation)) {
    return undefined;
  }
  return policy.latestCreated + autoRotatePeriod * 1000;
}

/** Reads and writes the keys of one mount, in one transaction. */
export class KeyStore {
  constructor(readonly storage: View) {}

  async policy(name: string): Promise<KeyPolicy | undefined> {
    const bytes = await this.storage.get(policyKey(name));
    return bytes === undefined ? undefined : decodePolicy(bytes);
  }

  /** Whoever changes a version writes the policy too: it is what caches are emptied by. */
  async putPolicy(policy: KeyPolicy): Promise<void> {
    const before = await this.policy(policy.name);
    this.#moveDue(policy.name, before && rotationTime(before), rotationTime(policy));
    this.storage.put(policyKey(policy.name), utf8(JSON.stringify(policy)));
  }

  async version(name: string, number: number): Promise<KeyVersion | undefined> {
    const bytes = await this.storage.get(versionKey(name, number));
    return bytes === undefined ? undefined : decodeVersion(bytes);
  }

  /** All from one number to another, both included, by number. */
  async versions(name: string, first: number, last: number): Promise<Map<number, KeyVersion>> {
    const found = new Map<number, KeyVersion>();
    const folder = `${versions}${name}/`;
    let after = versionKey(name, Math.max(0, first - 1));
    for (;;) {
      const page = await this.storage.scan(folder, {
        after,
        before: versionKey(name, last + 1),
        limit: pageSize,
      });
      for (const { key, value } of page) {
        found.set(Number(key.slice(folder.length)), decodeVersion(value));
        after = key;
      }
      if (page.length < pageSize) return found;
    }
  }

  putVersion(name: string, number: number, version: KeyVersion): void {
    this.storage.put(versionKey(name, number), utf8(JSON.stringify(version)));
  }

  deleteVersion(name: string, number: number): void {
    this.storage.delete(versionKey(name, number));
  }

  async delete(policy: KeyPolicy): Promise<void> {
    const { name, latestVersion } = policy;
    for (const number of (await this.versions(name, 0, latestVersion)).keys()) {
      this.deleteVersion(name, number);
    }
    this.#moveDue(name, rotationTime(policy), undefined);
    this.storage.delete(policyKey(name));
  }

  async names(): Promise<string[]> {
    return await this.storage.list(policies);
  }

  /** The keys that rotate by themselves at `now` or should have before, soonest first. */
  async due(now: number, limit: number, after?: string): Promise<{ key: string; name: string }[]> {
    const page = await this.storage.scan(due, {
      before: due + timeKey(now + 1),
      limit,
      ...(after === undefined ? {} : { after }),
    });
    return page.map(({ key }) => ({ key, name: key.slice(key.indexOf("/", due.length) + 1) }));
  }

  #moveDue(name: string, before: number | undefined, after: number | undefined): void {
    if (before === after) return;
    const key = (time: number) => `${due}${timeKey(time)}/${name}`;
    if (before !== undefined) this.storage.delete(key(before));
    if (after !== undefined) this.storage.put(key(after), utf8(""));
  }
}

/** Padded, so that the order of storage is theirs. */
function versionKey(name: string, number: number): string {
  return `${versions}${name}/${String(number).padStart(10, "0")}`;
}

function decodeVersion(bytes: Bytes): KeyVersion {
  const version: KeyVersion = JSON.parse(storedText(bytes));
  return version;
}
