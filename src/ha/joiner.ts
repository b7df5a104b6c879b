/**
 * The joining node's part. It asks a node of the cluster for a challenge, which also tells how the
 * seal's key is split; with Shamir it then waits for people to unseal it with the cluster's keys.
 */
import { type Bytes, fromBase64, toBase64, wipe } from "../base/bytes.ts";
import { type Clock, sleep } from "../base/clock.ts";
import { badRequest, describeError, Failure } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import { encodeFacts, type NodeFacts } from "../raft/net/node_facts.ts";
import { decodeSealConfig, type SealConfig } from "../seal/config.ts";
import type { Seal } from "../seal/seal.ts";
import { type Answer, type JoinTarget, postApi } from "./api_client.ts";
import { answerOf, challengeName, openKeyring } from "./join_proof.ts";
import { decodeKeyring, type TlsKeyring } from "./tls_keyring.ts";

export interface JoinerParts {
  readonly clock: Clock;
  readonly crypto: CryptoProvider;
  readonly log: Logger;
  readonly nodeId: string;
  /** URL of this node's cluster port. */
  readonly clusterAddress: string;
  /** What the cluster is told of this node, so that it can say at once that it will not do. */
  readonly facts: NodeFacts;
}

/** Where the nodes are that could let this one in, as far as can be told now. */
export type Seek = () => Promise<readonly JoinTarget[]>;

interface Pending {
  readonly seek: Seek;
  readonly nonVoter: boolean;
  readonly config: SealConfig;
}

const RETRY_MS = 2000;
const challengePath = "sys/storage/raft/bootstrap/challenge";
const answerPath = "sys/storage/raft/bootstrap/answer";

export class Joiner {
  readonly #parts: JoinerParts;
  #pending: Pending | undefined;
  #isRetrying = false;

  constructor(parts: JoinerParts) {
    this.#parts = parts;
  }

  /** How the cluster's seal key is split, once a node of it has answered. */
  get sealConfig(): SealConfig | undefined {
    return this.#pending?.config;
  }

  /** Asks those that `seek` finds in turn, again and again where `retry`. Throws the last refusal. */
  async begin(seek: Seek, nonVoter: boolean, retry: boolean): Promise<void> {
    this.#isRetrying = retry;
    try {
      await this.#ask(seek, nonVoter);
      this.#isRetrying = false;
    } catch (error) {
      if (!retry) throw error;
      this.#parts.log.warn("joining failed and is tried again", { error: describeError(error) });
      void this.#retry(seek, nonVoter);
    }
  }

  stop(): void {
    this.#isRetrying = false;
  }

  /**
   * Answers with the seal's key, of which people have handed in enough shares. Returns what opens
   * the cluster port. Throws `DecryptError` where it is another key, `Failure` where no node lets
   * this one in.
   */
  async finish(seal: Seal): Promise<TlsKeyring> {
    const pending = this.#pending;
    if (pending === undefined) throw new Error("nothing to join");
    let last: unknown = badRequest("there is no node to join");
    for (const target of await pending.seek()) {
      try {
        return await this.#answer(target, pending.nonVoter, seal);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** The node belongs to the cluster now. */
  done(): void {
    this.#pending = undefined;
    this.#isRetrying = false;
  }

  async #retry(seek: Seek, nonVoter: boolean): Promise<void> {
    while (this.#isRetrying) {
      await sleep(this.#parts.clock, RETRY_MS);
      if (!this.#isRetrying) return;
      try {
        await this.#ask(seek, nonVoter);
        this.#isRetrying = false;
      } catch (error) {
        this.#parts.log.debug("joining failed", { error: describeError(error) });
      }
    }
  }

  async #ask(seek: Seek, nonVoter: boolean): Promise<void> {
    let last: unknown = badRequest("there is no node to join");
    for (const target of await seek()) {
      try {
        const answer = await postApi(target, challengePath, this.#question());
        const split = answer.get("seal_config");
        const text = new TextEncoder().encode(JSON.stringify(split ?? null));
        const config = decodeSealConfig("seal_config", text);
        this.#pending = { seek, nonVoter, config };
        this.#parts.log.info("a node of the cluster waits for the proof", { at: target.address });
        return;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  #question(): Record<string, unknown> {
    const { nodeId, facts } = this.#parts;
    return { server_id: nodeId, facts: encodeFacts(facts) };
  }

  async #answer(target: JoinTarget, nonVoter: boolean, seal: Seal): Promise<TlsKeyring> {
    const { nodeId, clusterAddress, crypto } = this.#parts;
    const challenge = await postApi(target, challengePath, this.#question());
    const secret = await seal.unwrap(challengeName(nodeId), bytesIn(challenge, "challenge"));
    try {
      const admitted = await postApi(target, answerPath, {
        server_id: nodeId,
        answer: toBase64(answerOf(crypto, secret, nodeId)),
        cluster_addr: clusterAddress,
        non_voter: nonVoter,
      });
      const sealed = bytesIn(admitted, "tls_keyring");
      return decodeKeyring(openKeyring(crypto, secret, nodeId, sealed));
    } finally {
      wipe(secret);
    }
  }
}

function bytesIn(answer: Answer, name: string): Bytes {
  const value = answer.get(name);
  const bytes = typeof value === "string" ? fromBase64(value) : undefined;
  if (bytes === undefined) throw new Failure(502, `the other node's answer has no ${name}`);
  return bytes;
}
