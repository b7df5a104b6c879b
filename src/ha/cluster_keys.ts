/** The TLS keyring that this node uses, kept to what the group has stored while it runs. */
import type { Barrier } from "../barrier/barrier.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { ClusterTls } from "../raft/net/cluster_tls.ts";
import { decodeKeyring, encodeKeyring, TLS_KEY, type TlsKeyring, tlsOf } from "./tls_keyring.ts";

export interface ClusterKeysParts {
  readonly barrier: Barrier;
  readonly log: Logger;
  /** Reads a value that another node may have written with a key that is newer than what is known. */
  readonly read: (key: string) => Promise<Uint8Array | undefined>;
  /** Called when other keys are used from now on. */
  readonly changed: (tls: ClusterTls) => void;
}

export class ClusterKeys {
  readonly #parts: ClusterKeysParts;
  #keyring: TlsKeyring | undefined;

  constructor(parts: ClusterKeysParts) {
    this.#parts = parts;
  }

  /** Undefined where there is no cluster yet. */
  get keyring(): TlsKeyring | undefined {
    return this.#keyring;
  }

  /** Throws where there is no cluster yet. */
  get tls(): ClusterTls {
    if (this.#keyring === undefined) throw new Error("there is no TLS keyring");
    return tlsOf(this.#keyring);
  }

  /** Uses a keyring, whatever was used before. */
  use(keyring: TlsKeyring): void {
    this.#keyring = keyring;
    this.#parts.changed(tlsOf(keyring));
  }

  /**
   * Uses what is stored where it is a later form of what is used. A snapshot may have put an
   * earlier one there, or that of another cluster: then the nodes go on with what they have.
   */
  async load(): Promise<void> {
    const stored = await this.#parts.read(TLS_KEY);
    if (stored === undefined) return;
    const keyring = decodeKeyring(stored);
    const known = this.#keyring;
    const isLater = known === undefined ||
      (keyring.serverName === known.serverName && keyring.serial > known.serial);
    if (isLater) this.use(keyring);
  }

  /** As `load`, where what is stored has changed; undefined stands for all of it. */
  follow(keys: readonly string[] | undefined): void {
    if (this.#keyring === undefined || (keys !== undefined && !keys.includes(TLS_KEY))) return;
    this.load().catch((error) =>
      this.#parts.log.warn("the cluster's TLS keyring can't be read", {
        error: describeError(error),
      })
    );
  }

  /** Stores a keyring for all members, and uses it. Resolves when it is committed. */
  async store(keyring: TlsKeyring): Promise<void> {
    await this.#parts.barrier.write([{ key: TLS_KEY, value: encodeKeyring(keyring) }]);
    this.use(keyring);
  }
}
