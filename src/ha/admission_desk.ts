/** The active node's part of a join: asks for the proof, then lets the node in. */
import { type Bytes, fromBase64, toBase64, wipe } from "../base/bytes.ts";
import type { Clock, Random } from "../base/clock.ts";
import { badRequest } from "../base/failure.ts";
import type { CryptoProvider } from "../crypto/provider.ts";
import { parseEndpoint } from "../raft/net/cluster_tls.ts";
import type { Seal } from "../seal/seal.ts";
import { answerOf, challengeName, sealKeyring, SECRET_BYTES } from "./join_proof.ts";

/** Anybody may ask, so what is kept for it is bounded: the oldest question goes. */
const OPEN_MAX = 256;
const VALID_MS = 10 * 60_000;
const ID_LENGTH_MAX = 128;

export interface AdmissionParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: CryptoProvider;
}

/** A node that has proved itself. */
export interface Applicant {
  readonly id: string;
  /** `host:port` of its cluster port. */
  readonly address: string;
  readonly staysLearner: boolean;
}

export class AdmissionDesk {
  readonly #parts: AdmissionParts;
  readonly #open = new Map<string, { readonly secret: Bytes; readonly until: number }>();

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** What the node has to decrypt, in base64. Throws a 400 `Failure`. */
  async challenge(serverId: string, seal: Seal): Promise<string> {
    const { clock, random } = this.#parts;
    checkId(serverId);
    this.#forget(serverId);
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && this.#open.size >= OPEN_MAX) this.#forget(oldest);
    const secret = random.bytes(SECRET_BYTES);
    this.#open.set(serverId, { secret, until: clock.now() + VALID_MS });
    return toBase64(await seal.wrap(challengeName(serverId), secret));
  }

  /**
   * Checks an answer; each question can be answered once. Returns who it is, and what encrypts the
   * keyring for it. Throws a 400 `Failure`.
   */
  admit(
    serverId: string,
    answer: string,
    clusterAddress: string,
    nonVoter: boolean,
  ): { applicant: Applicant; seal: (keyring: Bytes) => string } {
    const { clock, random, crypto } = this.#parts;
    checkId(serverId);
    const open = this.#open.get(serverId);
    this.#open.delete(serverId);
    if (open === undefined || open.until < clock.now()) {
      throw badRequest("no expected answer for the server id provided");
    }
    const given = fromBase64(answer);
    const expected = answerOf(crypto, open.secret, serverId);
    if (given === undefined || !crypto.equal(given, expected)) {
      wipe(open.secret);
      throw badRequest("invalid answer given");
    }
    const address = clusterAddress.replace(/^[a-z]+:\/\//, "");
    if (parseEndpoint(address) === undefined) {
      throw badRequest("cluster_addr must be a host and port");
    }
    return {
      applicant: { id: serverId, address, staysLearner: nonVoter },
      seal: (keyring) => {
        const sealed = sealKeyring(crypto, random, open.secret, serverId, keyring);
        wipe(open.secret);
        return toBase64(sealed);
      },
    };
  }

  #forget(serverId: string): void {
    wipe(this.#open.get(serverId)?.secret);
    this.#open.delete(serverId);
  }
}

function checkId(serverId: string): void {
  if (serverId === "" || serverId.length > ID_LENGTH_MAX || !/^[\x21-\x7e]+$/.test(serverId)) {
    throw badRequest("server_id must be 1 to 128 printable characters");
  }
}
