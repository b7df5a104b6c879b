/**
 * Which clients were seen, in bounded space: all of them while there are few; beyond that a fair
 * sample, those whose hash is below a threshold that is halved as often as needed. Figures are exact
 * while the threshold is 1, then estimates (with 65,536 of them within half a percent). Two sets can
 * be put together, which a counter could not.
 */

/** A client with a persistent identity, or tokens that share their policies. */
export type ClientKind = "entity" | "non-entity";

/** Who a client is, and since when it has used the server in this month. */
export interface FirstUse {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Of the token that it came with then. */
  readonly tokenCreated: number;
  /** The entity's; else a digest of what tokens without one share. */
  readonly id: string;
  /** Those of such tokens, sorted, as far as there is room for them; else empty. */
  readonly policies: readonly string[];
}

export interface Client {
  /** From 0 to below 1, evenly spread, the same for the same client everywhere. */
  readonly hash: number;
  readonly kind: ClientKind;
  /** The auth mount that it first came by, as its requests name it. */
  readonly mount: string;
  /** Absent for one that an older version has counted. */
  readonly first?: FirstUse;
}

export interface ClientCounts {
  readonly entity: number;
  readonly nonEntity: number;
}

export interface CountsByMount {
  readonly total: ClientCounts;
  readonly mounts: ReadonlyMap<string, ClientCounts>;
}

/** Clients that a set keeps at most. */
export const clientsMax = 65_536;

export class ClientSet {
  #threshold = 1;
  readonly #clients = new Map<number, Client>();

  constructor(readonly max = clientsMax) {}

  get threshold(): number {
    return this.#threshold;
  }

  get size(): number {
    return this.#clients.size;
  }

  values(): Iterable<Client> {
    return this.#clients.values();
  }

  has({ hash }: Pick<Client, "hash">): boolean {
    return this.#clients.has(hash);
  }

  /** Whether it was new, and is kept. */
  add(client: Client): boolean {
    if (client.hash >= this.#threshold || this.#clients.has(client.hash)) return false;
    this.#clients.set(client.hash, client);
    while (this.#clients.size > this.max) this.lower(this.#threshold / 2);
    return this.#clients.has(client.hash);
  }

  /** Keeps no client above a threshold. */
  lower(threshold: number): void {
    if (threshold >= this.#threshold) return;
    this.#threshold = threshold;
    for (const hash of this.#clients.keys()) if (hash >= threshold) this.#clients.delete(hash);
  }

  counts(): CountsByMount {
    return countClients(this.#clients.values(), this.#threshold);
  }
}

/** How many clients there are of whom those with a hash below `threshold` are given. */
export function countClients(clients: Iterable<Client>, threshold: number): CountsByMount {
  const raw = new Map<string, { entity: number; nonEntity: number }>();
  for (const { hash, kind, mount } of clients) {
    if (hash >= threshold) continue;
    let counts = raw.get(mount);
    if (counts === undefined) raw.set(mount, counts = { entity: 0, nonEntity: 0 });
    if (kind === "entity") counts.entity++;
    else counts.nonEntity++;
  }
  const mounts = new Map<string, ClientCounts>();
  let [entity, nonEntity] = [0, 0];
  for (const [mount, counts] of raw) {
    const scaled = {
      entity: Math.round(counts.entity / threshold),
      nonEntity: Math.round(counts.nonEntity / threshold),
    };
    // The total is the sum of what is shown, so that a reader who adds up finds the same.
    entity += scaled.entity;
    nonEntity += scaled.nonEntity;
    mounts.set(mount, scaled);
  }
  return { total: { entity, nonEntity }, mounts };
}
