/** A kind of what clients do, besides that with tokens and leases. */
import type { Coverage } from "../../src/raft/simulation/coverage.ts";
import type { Surroundings } from "../../src/raft/simulation/world.ts";
import type { Asking } from "./asking.ts";
import type { Ledger } from "./ledger.ts";
import type { LoginLedger } from "./login_ledger.ts";
import type { TokenMark } from "./marks.ts";
import type { SimulatedServer } from "./server.ts";
import type { WrappingLedger } from "./wrapping_ledger.ts";

export const kindNames = ["logins", "wrapping", "batch tokens"] as const;
export type KindName = typeof kindNames[number];

/** Something that was begun, or nothing. */
export type Work = Promise<unknown> | undefined;

export interface Kind {
  /** One of which is begun now and then; of what does not fit now nothing comes. */
  readonly operations: readonly (() => Work)[];
  /** In the end everything is looked at through every node. */
  lookAt(server: SimulatedServer): Promise<unknown>[];
}

/** What all clients have to do with. */
export interface CommonParts {
  readonly world: Surroundings;
  readonly asking: Asking;
  readonly ledger: Ledger;
  readonly marks: Coverage<TokenMark>;
  /** The root token. */
  readonly root: () => string;
}

export interface KindParts extends CommonParts {
  readonly logins: LoginLedger;
  readonly wrappings: WrappingLedger;
  /** The accessor of the mount of users. */
  readonly userpass: () => string;
}
