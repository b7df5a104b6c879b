/** What Raft promises (figure 3 of the paper), checked whenever a node has done something. */
import { sameBytes } from "../../base/bytes.ts";
import { type Configuration, encodeConfiguration } from "../consensus/configuration.ts";
import type { Raft } from "../consensus/raft.ts";
import type { LogEntry, Position } from "../log_entry.ts";
import type { SimulatedDisk } from "./simulated_disk.ts";

/** A promise that was not kept. */
export class BrokenPromise extends Error {
  override name = "BrokenPromise";
}

/** An index and a term make one number: no log of a run reaches so far. */
const TERM = 2 ** 26;

export interface Watched {
  readonly id: string;
  readonly raft: Raft;
  readonly disk: SimulatedDisk;
}

/** An entry as it was when it was first written, with the term before it. */
interface Written {
  readonly previousTerm: number;
  readonly type: LogEntry["type"];
  readonly payload: Uint8Array;
}

/** Two memberships that were found to be the same. */
interface Agreed {
  readonly own: Configuration;
  readonly logged: Configuration;
}

export class Promises {
  /** What each committed index holds, whoever applied it first. */
  readonly committed: LogEntry[] = [];
  /** In which term each was applied first, so was committed by then. */
  readonly #committedBy: number[] = [];
  readonly #leaders = new Map<number, string>();
  /** Every entry that ever was, with the term before it, by index and term. */
  readonly #entries = new Map<number, Written>();
  readonly #digests = new Map<number, number>();
  readonly #commits = new WeakMap<Raft, number>();
  readonly #agreed = new WeakMap<Raft, Agreed>();

  /** Log matching: who has an entry in common has everything before it in common. */
  written(entry: LogEntry, previous: Position): void {
    const { index, term, type, payload } = entry;
    const key = term * TERM + index;
    const known = this.#entries.get(key);
    if (known === undefined) {
      this.#entries.set(key, { previousTerm: previous.term, type, payload: payload.slice() });
      return;
    }
    const isSame = known.previousTerm === previous.term && known.type === type &&
      sameBytes(known.payload, payload);
    if (!isSame) throw new BrokenPromise(`log matching at ${index} of term ${term}`);
  }

  /** State machine safety: nobody applies anything else at this index. */
  applied(entry: LogEntry, digest: number, nodeTerm: number): void {
    const known = this.committed[entry.index - 1];
    if (known === undefined) {
      this.committed[entry.index - 1] = entry;
      this.#committedBy[entry.index - 1] = nodeTerm;
    }
    const isSame = known === undefined ||
      (known.term === entry.term && sameBytes(known.payload, entry.payload));
    if (!isSame) throw new BrokenPromise(`state machine safety at ${entry.index}`);
    const other = this.#digests.get(entry.index);
    if (other === undefined) this.#digests.set(entry.index, digest);
    else if (other !== digest) throw new BrokenPromise(`equal states at ${entry.index}`);
  }

  check(node: Watched): void {
    const { id, raft } = node;
    const commit = this.#commits.get(raft) ?? 0;
    const { commitIndex } = raft;
    if (commitIndex < commit) throw new BrokenPromise(`the commit index of ${id} went back`);
    if (commitIndex > commit) this.#commits.set(raft, commitIndex);
    this.#checkMembership(node);
    if (raft.role !== "leader") return;
    const other = this.#leaders.get(raft.term);
    if (other === id) return;
    if (other !== undefined) throw new BrokenPromise(`one leader in term ${raft.term}`);
    this.#checkCompleteness(node);
    this.#leaders.set(raft.term, id);
  }

  /** Leader completeness: what was ever committed is in the log of every later leader. */
  #checkCompleteness({ id, raft, disk }: Watched): void {
    const { base, entries } = disk.content;
    for (const { index, term } of this.committed) {
      if (index <= base.index || (this.#committedBy[index - 1] ?? 0) >= raft.term) continue;
      const own = entries[index - base.index - 1];
      if (own?.term !== term) throw new BrokenPromise(`leader completeness: ${id} lacks ${index}`);
    }
  }

  /** The membership in force is the last one in the log (thesis 4.1). */
  #checkMembership({ id, raft, disk }: Watched): void {
    const own = raft.configuration, logged = disk.content.configuration;
    if (own === logged) return;
    const agreed = this.#agreed.get(raft);
    // Neither is ever altered, so what was found of the two stays so.
    if (agreed?.own === own && agreed.logged === logged) return;
    if (!sameBytes(encodeConfiguration(own), encodeConfiguration(logged))) {
      throw new BrokenPromise(`the membership of ${id} is that of its log`);
    }
    this.#agreed.set(raft, { own, logged });
  }
}
