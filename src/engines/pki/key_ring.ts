/**
 * Keys ready to sign, so that a request decodes none. A key's secret never changes under its id; what
 * is said of it is read by every request that uses it, so a key that is gone signs nothing more.
 */
import type { Cancel } from "../../base/clock.ts";
import { wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import type { Services } from "../../core/services.ts";
import type { SigningKey } from "../../crypto/keys.ts";
import type { View } from "../../storage/transaction.ts";
import { changedSecret, secretKey } from "./key_store.ts";

/** Keys kept ready. */
const most = 500;

class RingKey {
  #users = 0;
  #isRetired = false;

  constructor(readonly key: SigningKey) {}

  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.#free();
  }

  retire(): void {
    this.#isRetired = true;
    this.#free();
  }

  #free(): void {
    if (this.#isRetired && this.#users === 0) this.key.destroy();
  }
}

export class KeyRing {
  readonly #services: () => Services;
  /** In the order in which they came; the first goes first. */
  readonly #keys = new Map<string, RingKey>();
  #ignoreChanges: Cancel | undefined;

  constructor(services: () => Services) {
    this.#services = services;
  }

  /** Gives a key to `use`; a 400 where it has no secret here. */
  async with<T>(
    storage: View,
    id: string,
    use: (key: SigningKey) => Promise<T>,
  ): Promise<T> {
    const held = this.#keys.get(id) ?? await this.#open(storage, id);
    held.enter();
    try {
      return await use(held.key);
    } finally {
      held.leave();
    }
  }

  close(): void {
    this.#ignoreChanges?.();
    this.#ignoreChanges = undefined;
    for (const id of [...this.#keys.keys()]) this.#drop(id);
  }

  async #open(storage: View, id: string): Promise<RingKey> {
    this.#follow();
    const pkcs8 = await storage.get(secretKey(id));
    if (pkcs8 === undefined) throw badRequest(`unable to find the key: ${id}`);
    const other = this.#keys.get(id);
    if (other !== undefined) return other;
    const copy = pkcs8.slice();
    const made = new RingKey(this.#services().mounts.platform.crypto.keys.importPkcs8(copy));
    wipe(copy);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size >= most && oldest !== undefined) this.#drop(oldest);
    this.#keys.set(id, made);
    return made;
  }

  #drop(id: string): void {
    this.#keys.get(id)?.retire();
    this.#keys.delete(id);
  }

  #follow(): void {
    this.#ignoreChanges ??= this.#services().transactions.onChange((keys) => {
      for (const key of keys) {
        const id = changedSecret(key);
        if (id !== undefined) this.#drop(id);
      }
    });
  }
}
