/** A standby's connection to the active node, made anew whenever that is another. */
import type { Clock } from "../base/clock.ts";
import { dial } from "../raft/net/dial.ts";
import { type ClusterTls, FORWARDING_PROTOCOL } from "../raft/net/cluster_tls.ts";
import { ForwardClient } from "./forward_client.ts";

/** A node that leads no more may answer what it has done already for so long. */
const LAST_ANSWERS_MS = 1000;

interface Link {
  readonly address: string;
  readonly made: Promise<ForwardClient>;
  /** Who led when it was made. */
  readonly leader: string | undefined;
}

export class ActiveLink {
  readonly #clock: Clock;
  #link: Link | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The connection to a node that `leader` is. Throws where it can't be reached. */
  async to(address: string, leader: string | undefined, tls: ClusterTls): Promise<ForwardClient> {
    const known = this.#link;
    if (known?.address === address) {
      const client = await known.made;
      if (!client.isClosed) return client;
    }
    if (this.#link !== known) return await this.to(address, leader, tls);
    this.drop();
    const made = dial(address, FORWARDING_PROTOCOL, tls, this.#clock)
      .then((connection) => new ForwardClient(connection));
    const mine = { address, made, leader };
    this.#link = mine;
    try {
      return await made;
    } catch (error) {
      if (this.#link === mine) this.#link = undefined;
      throw error;
    }
  }

  /** Whoever waits for a node that leads no more is told soon, where it has not answered. */
  leaderIs(leader: string | undefined): void {
    const link = this.#link;
    if (link === undefined || leader === undefined || leader === link.leader) return;
    this.#link = undefined;
    this.#clock.after(LAST_ANSWERS_MS, () => {
      link.made.then((made) => made.close()).catch(() => undefined);
    });
  }

  drop(): void {
    this.#link?.made.then((client) => client.close()).catch(() => undefined);
    this.#link = undefined;
  }
}
