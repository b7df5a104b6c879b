/**
 * Keys ready for use, so that a request decrypts and decodes nothing. What is said of a key comes from
 * the cache that every request's reads are validated by; its material hangs on that decoded value,
 * and goes with it: wiped as soon as the key changes, here or on the node whose log is followed.
 */
import type { Cancel } from "../../base/clock.ts";
import { badRequest } from "../../base/failure.ts";
import type { Call, MountInfo } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { View } from "../../storage/transaction.ts";
import { Material } from "./material.ts";
import { changedKey, decodePolicy, type KeyPolicy, KeyStore, policyKey } from "./policy.ts";
import { cacheSize } from "./settings.ts";

/** Keys kept where the mount does not say how many. */
const defaultMaxKeys = 2_000;

/** What is needed of a request. */
export type KeyCall = Pick<Call, "storage" | "cached"> & {
  readonly mount: Pick<MountInfo, "uuid">;
};

/** A key, for the time of one request. */
export class OpenKey {
  readonly #services: () => Services;
  readonly #versions = new Map<number, Material>();
  #users = 0;
  #isRetired = false;

  constructor(services: () => Services, readonly policy: KeyPolicy) {
    this.#services = services;
  }

  /** A version's material; a 400 where it is not there any more. */
  async material(storage: View, number: number): Promise<Material> {
    const known = this.#versions.get(number);
    if (known !== undefined) return known;
    const { name, type } = this.policy;
    const version = await new KeyStore(storage).version(name, number);
    if (version === undefined) throw badRequest(`version ${number} of the key is not available`);
    // Another request may have been faster.
    const other = this.#versions.get(number);
    if (other !== undefined) return other;
    const made = new Material(this.#services().mounts.platform.crypto, type, version);
    this.#versions.set(number, made);
    return made;
  }

  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.#wipe();
  }

  /** To be wiped, once nobody uses it. */
  retire(): void {
    this.#isRetired = true;
    this.#wipe();
  }

  #wipe(): void {
    if (!this.#isRetired || this.#users > 0) return;
    for (const material of this.#versions.values()) material.destroy();
    this.#versions.clear();
  }
}

export class KeyCache {
  readonly #services: () => Services;
  /** In the order in which they came; the first goes first. */
  readonly #keys = new Map<string, OpenKey>();
  #ignoreChanges: Cancel | undefined;

  constructor(services: () => Services) {
    this.#services = services;
  }

  /** What is said of a key; undefined where there is none. */
  async policy(call: KeyCall, name: string): Promise<KeyPolicy | undefined> {
    return await call.cached(policyKey(name), decodePolicy);
  }

  /** Gives a key to `use`; a 400 where there is none. */
  async with<T>(call: KeyCall, name: string, use: (key: OpenKey) => Promise<T>): Promise<T> {
    const policy = await this.policy(call, name);
    if (policy === undefined) throw badRequest("encryption key not found");
    const key = this.#keys.get(name)?.policy === policy
      ? this.#keys.get(name)
      : await this.#keep(call, policy);
    if (key === undefined) throw new Error("the key was not kept");
    key.enter();
    try {
      return await use(key);
    } finally {
      key.leave();
    }
  }

  close(): void {
    this.#ignoreChanges?.();
    this.#ignoreChanges = undefined;
    for (const key of this.#keys.values()) key.retire();
    this.#keys.clear();
  }

  async #keep(call: KeyCall, policy: KeyPolicy): Promise<OpenKey> {
    const limit = await cacheSize(call) || defaultMaxKeys;
    this.#follow(`logical/${call.mount.uuid}/`);
    const other = this.#keys.get(policy.name);
    if (other?.policy === policy) return other;
    this.#drop(policy.name);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size >= limit && oldest !== undefined) this.#drop(oldest);
    const key = new OpenKey(this.#services, policy);
    this.#keys.set(policy.name, key);
    return key;
  }

  #drop(name: string): void {
    this.#keys.get(name)?.retire();
    this.#keys.delete(name);
  }

  #follow(prefix: string): void {
    this.#ignoreChanges ??= this.#services().transactions.onChange((keys) => {
      for (const key of keys) {
        if (!key.startsWith(prefix)) continue;
        const name = changedKey(key.slice(prefix.length));
        if (name !== undefined) this.#drop(name);
      }
    });
  }
}
