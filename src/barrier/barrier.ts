/**
 * The barrier: plain values above, ciphertext below. It is a `Storage` over a physical one, closed
 * ("sealed") until it is given the root key. The key ring, encrypted with the root key, holds one
 * data key a term; everything that is written uses the newest, everything that is read its own.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { NONCE_LENGTH } from "../crypto/gcm.ts";
import { type CryptoProvider, DecryptError } from "../crypto/provider.ts";
import {
  CorruptionError,
  type Entry,
  type ListOptions,
  type ScanOptions,
  type Storage,
  type Write,
} from "../storage/storage.ts";
import {
  AlreadyInitializedError,
  NotInitializedError,
  SealedError,
  WrongRootKeyError,
} from "./errors.ts";
import { openFrame, sealFrame, termOf } from "./frame.ts";
import { KEY_LENGTH, type KeyringRecord, type TermRecord, wipeKeyring } from "./keyring.ts";
import { OpenKeyring, RootKey } from "./open_keyring.ts";
import { isBelowBarrier, KEYRING_KEY } from "./physical.ts";
import { checkRotation, DEFAULT_ROTATION, type RotationConfig, rotationDue } from "./rotation.ts";
import { keyringWrite, openStoredKeyring } from "./stored_keyring.ts";
import { Usage, USAGE_KEY } from "./usage.ts";

/** What the barrier is made of. */
export interface BarrierParts {
  readonly physical: Storage;
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly random: Random;
}

/** As sys/key-status shows it. */
export interface ActiveKeyInfo {
  readonly term: number;
  /** Milliseconds since 1970. */
  readonly installTime: number;
  readonly encryptions: number;
}

/** A value names a key term that the keyring doesn't hold (yet: another node may have rotated). */
export class UnknownTermError extends CorruptionError {
  override name = "UnknownTermError";
}

/** Nonces are drawn this many at a time: a system call each would cost more than AES. */
const NONCES_AT_ONCE = 256;

export class Barrier implements Storage {
  readonly #physical: Storage;
  readonly #crypto: CryptoProvider;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #usage = new Usage();
  #keyring: OpenKeyring | undefined;
  #nonces: Bytes = new Uint8Array();
  #nonceAt = 0;
  /** Changes of the keyring run one after another. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(parts: BarrierParts) {
    this.#physical = parts.physical;
    this.#crypto = parts.crypto;
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** Whether the keys are gone or were never given. */
  get sealed(): boolean {
    return this.#keyring === undefined;
  }

  /** Whether the storage holds a keyring. */
  async isInitialized(): Promise<boolean> {
    return await this.#physical.get(KEYRING_KEY) !== undefined;
  }

  /**
   * Stores a keyring with one new data key, encrypted with the 32-byte root key, in one batch with
   * what the seal has to store below the barrier. The barrier stays sealed. The caller wipes the
   * root key. Throws `AlreadyInitializedError`.
   */
  async initialize(rootKey: Uint8Array, alongside: readonly Write[] = []): Promise<void> {
    checkRootKey(rootKey);
    if (await this.isInitialized()) throw new AlreadyInitializedError();
    const record = { rotation: DEFAULT_ROTATION, terms: [this.#newTerm(1)] };
    const root = this.#crypto.gcmKey(rootKey);
    const write = keyringWrite(root, record, this.#random);
    root.destroy();
    wipeKeyring(record);
    await this.#physical.write([write, ...alongside]);
  }

  /**
   * Opens the barrier; harmless where it is open already. The caller wipes the root key. Throws
   * `NotInitializedError`, `WrongRootKeyError`, or `CorruptionError` where the keyring opens but
   * makes no sense.
   */
  async unseal(rootKey: Uint8Array): Promise<void> {
    checkRootKey(rootKey);
    const root = new RootKey(this.#crypto, rootKey);
    try {
      const record = await this.#readKeyring(root);
      if (this.#keyring === undefined) {
        this.#keyring = new OpenKeyring(this.#crypto, root, record);
      }
      wipeKeyring(record);
    } finally {
      if (this.#keyring?.root !== root) root.destroy();
    }
    try {
      await this.#loadUsage();
    } catch (error) {
      this.seal();
      throw error;
    }
  }

  /**
   * Takes up the keyring as another node left it. Throws as `unseal` does: `WrongRootKeyError`
   * where the root key was replaced, after which only sealing is left.
   */
  async reload(): Promise<void> {
    const before = this.#open().activeTerm;
    await this.#change((record) => record, { store: false });
    if (this.#open().activeTerm !== before) await this.#loadUsage();
  }

  /** Closes the barrier and destroys all keys. Harmless where it is closed already. */
  seal(): void {
    this.#keyring?.destroy();
    this.#keyring = undefined;
    this.#usage.reset();
  }

  /** Whether a key is the root key. Throws `SealedError`. */
  verifyRoot(key: Uint8Array): boolean {
    return this.#open().root.is(key);
  }

  /** Whether a stored keyring opens with this barrier's root key. Throws `SealedError`. */
  opensKeyring(frame: Bytes): boolean {
    try {
      wipeKeyring(openStoredKeyring(this.#open().root.key, frame));
      return true;
    } catch (error) {
      if (error instanceof WrongRootKeyError || error instanceof CorruptionError) return false;
      throw error;
    }
  }

  /** The data key in use. Throws `SealedError`. */
  activeKeyInfo(): ActiveKeyInfo {
    const { activeTerm, activeInstallTime } = this.#open();
    const encryptions = this.#usage.encryptions;
    return { term: activeTerm, installTime: activeInstallTime, encryptions };
  }

  /** Installs a new data key, stored before it is used, and returns its term. */
  async rotate(): Promise<number> {
    await this.#change((before) => {
      const term = (before.terms.at(-1)?.term ?? 0) + 1;
      return { ...before, terms: [...before.terms, this.#newTerm(term)] };
    });
    return this.#open().activeTerm;
  }

  /** Rotates if the settings say that it is time, and returns the new term if so. */
  async rotateIfDue(): Promise<number | undefined> {
    const keyring = this.#open();
    const ageMs = this.#clock.now() - keyring.activeInstallTime;
    const due = rotationDue(keyring.rotation, { encryptions: this.#usage.encryptions, ageMs });
    return due ? await this.rotate() : undefined;
  }

  /** When the barrier rotates by itself. */
  get rotationConfig(): RotationConfig {
    return this.#open().rotation;
  }

  /** Stores those settings. Throws a 400 `Failure` where a value is out of range. */
  async setRotationConfig(rotation: RotationConfig): Promise<void> {
    checkRotation(rotation);
    await this.#change((before) => ({ ...before, rotation }));
  }

  /**
   * Replaces the root key: the keyring is encrypted with the new one and stored in one batch with
   * what the seal has to store. No value is written again. The caller wipes the key.
   */
  async rekey(rootKey: Uint8Array, alongside: readonly Write[] = []): Promise<void> {
    checkRootKey(rootKey);
    const root = new RootKey(this.#crypto, rootKey);
    try {
      await this.#change((record) => record, { root, alongside });
    } finally {
      if (this.#keyring?.root !== root) root.destroy();
    }
  }

  /**
   * Stores the exact number of encryptions; called before an orderly seal, so that the count does
   * not jump by a block at the next start.
   */
  async persistUsage(): Promise<void> {
    const term = this.#open().activeTerm;
    this.#usage.add(1);
    const { value, stored } = this.#usage.record(term, false);
    await this.#physical.write([{ key: USAGE_KEY, value: this.#encrypt(USAGE_KEY, value) }]);
    stored();
  }

  get(key: string): Awaitable<Bytes | undefined> {
    if (this.#keyring === undefined) throw new SealedError();
    if (isBelowBarrier(key)) throw new RangeError(`${key} lies below the barrier`);
    const frame = this.#physical.get(key);
    if (frame instanceof Promise) return frame.then((found) => this.#decryptFound(key, found));
    return this.#decryptFound(key, frame);
  }

  list(prefix: string, options?: ListOptions): Awaitable<string[]> {
    this.#open();
    return this.#physical.list(prefix, options);
  }

  scan(prefix: string, options: ScanOptions): Awaitable<Entry[]> {
    this.#open();
    const page = this.#physical.scan(prefix, options);
    // Only core/ holds what lies below the barrier; a page that loses entries is filled up again.
    if (page instanceof Promise || "core/".startsWith(prefix) || prefix.startsWith("core/")) {
      return this.#scanFully(prefix, options, page);
    }
    return options.keysOnly ? page : page.map((entry) => this.#decryptEntry(entry));
  }

  async write(batch: readonly Write[]): Promise<void> {
    const term = this.#open().activeTerm;
    let encryptions = 0;
    const below: Write[] = [];
    for (const { key, value } of batch) {
      if (isBelowBarrier(key)) throw new RangeError(`${key} lies below the barrier`);
      if (value !== null) encryptions++;
      below.push({ key, value: value === null ? null : this.#encrypt(key, value) });
    }
    this.#usage.add(encryptions);
    if (encryptions === 0 || !this.#usage.exceedsStored) return await this.#physical.write(below);
    const { value, stored } = this.#usage.record(term, true);
    below.push({ key: USAGE_KEY, value: this.#encrypt(USAGE_KEY, value) });
    await this.#physical.write(below);
    if (this.#keyring?.activeTerm === term) stored();
  }

  /** Encrypts bytes that are kept elsewhere, bound to `key` as a value is to its path. */
  encryptRaw(key: string, plaintext: Uint8Array): Bytes {
    this.#usage.add(1);
    return this.#encrypt(key, plaintext);
  }

  /** The reverse; also of a value read from the physical storage. Throws `CorruptionError`. */
  decryptRaw(key: string, frame: Bytes): Bytes {
    return this.#decrypt(key, frame);
  }

  /** Seals, and closes the physical storage. */
  async close(): Promise<void> {
    this.seal();
    await this.#physical.close();
  }

  #open(): OpenKeyring {
    if (this.#keyring === undefined) throw new SealedError();
    return this.#keyring;
  }

  #decryptFound(key: string, frame: Bytes | undefined): Bytes | undefined {
    return frame === undefined ? undefined : this.#decrypt(key, frame);
  }

  #decryptEntry({ key, value }: Entry): Entry {
    return { key, value: this.#decrypt(key, value) };
  }

  #decrypt(path: string, frame: Bytes): Bytes {
    const keyring = this.#keyring;
    if (keyring === undefined) throw new SealedError();
    const term = termOf(frame);
    if (term === undefined) {
      throw new CorruptionError(
        `the value of ${path} is not a barrier value of a version that this build knows`,
      );
    }
    const key = term === keyring.activeTerm ? keyring.activeKey : keyring.key(term);
    if (key === undefined) {
      throw new UnknownTermError(`the value of ${path} names the unknown key term ${term}`);
    }
    try {
      return openFrame(key, path, frame);
    } catch (cause) {
      if (!(cause instanceof DecryptError)) throw cause;
      throw new CorruptionError(`the value of ${path} is damaged or was moved there`, { cause });
    }
  }

  #encrypt(path: string, plaintext: Uint8Array): Bytes {
    const { activeKey, activeTerm } = this.#open();
    const at = this.#takeNonce();
    return sealFrame(activeKey, activeTerm, path, plaintext, this.#nonces, at);
  }

  /** Where the next nonce lies; each is handed out once. */
  #takeNonce(): number {
    if (this.#nonceAt >= this.#nonces.length) {
      this.#nonces = this.#random.bytes(NONCES_AT_ONCE * NONCE_LENGTH);
      this.#nonceAt = 0;
    }
    const at = this.#nonceAt;
    this.#nonceAt += NONCE_LENGTH;
    return at;
  }

  async #scanFully(
    prefix: string,
    options: ScanOptions,
    firstPage: Awaitable<Entry[]>,
  ): Promise<Entry[]> {
    const found: Entry[] = [];
    let page = await firstPage;
    while (true) {
      for (const entry of page) {
        if (isBelowBarrier(entry.key)) continue;
        found.push(options.keysOnly ? entry : this.#decryptEntry(entry));
      }
      const last = page.at(-1);
      const missing = options.limit - found.length;
      if (last === undefined || missing <= 0 || page.length < options.limit) return found;
      page = await this.#physical.scan(prefix, { ...options, after: last.key });
      if (page.length > missing) page = page.slice(0, missing);
    }
  }

  #newTerm(term: number): TermRecord {
    const installTime = Math.max(0, Math.floor(this.#clock.now()));
    return { term, installTime, key: this.#random.bytes(KEY_LENGTH) };
  }

  async #readKeyring(root: RootKey): Promise<KeyringRecord> {
    const frame = await this.#physical.get(KEYRING_KEY);
    if (frame === undefined) throw new NotInitializedError();
    return openStoredKeyring(root.key, frame);
  }

  /** Reads the stored keyring, stores what `alter` makes of it, and takes that up. */
  #change(alter: (before: KeyringRecord) => KeyringRecord, how: ChangeOptions = {}): Promise<void> {
    const change = this.#lastChange.then(async () => {
      const { root } = this.#open();
      const before = await this.#readKeyring(root);
      const after = alter(before);
      try {
        if (this.#open().root !== root) throw new SealedError();
        if (how.store !== false) {
          const write = keyringWrite((how.root ?? root).key, after, this.#random);
          await this.#physical.write([write, ...how.alongside ?? []]);
        }
        this.#takeUp(after, how.root);
      } finally {
        wipeKeyring(before);
        wipeKeyring(after);
      }
    });
    // Whoever asked for a change is told that it failed; the next one starts from what is stored.
    this.#lastChange = change.then(() => undefined, () => undefined);
    return change;
  }

  #takeUp(record: KeyringRecord, root: RootKey | undefined): void {
    const before = this.#open();
    const keyring = new OpenKeyring(this.#crypto, root ?? before.root, record);
    this.#keyring = keyring;
    before.destroy(keyring);
    if (keyring.activeTerm !== before.activeTerm) this.#usage.reset();
  }

  async #loadUsage(): Promise<void> {
    const frame = await this.#physical.get(USAGE_KEY);
    try {
      this.#usage.load(this.#decryptFound(USAGE_KEY, frame), this.#open().activeTerm);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#usage.assumeWorst();
    }
  }
}

interface ChangeOptions {
  /** A new root key. */
  readonly root?: RootKey;
  /** Written in the same batch. */
  readonly alongside?: readonly Write[];
  /** False where the keyring is only read again. */
  readonly store?: boolean;
}

function checkRootKey(key: Uint8Array): void {
  if (key.length !== KEY_LENGTH) throw new RangeError(`the root key has ${KEY_LENGTH} bytes`);
}
