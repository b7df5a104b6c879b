/** What Raft promises (figure 3 of the paper), checked whenever a node has done something. */
import { fromUtf8 } from "../../base/bytes.ts";
import { decodeConfiguration, encodeConfiguration } from "../consensus/configuration.ts";
import type { Raft } from "../consensus/raft.ts";
import { EntryType, type LogEntry, type Position } from "../log_entry.ts";
import type { SimulatedDisk } from "./simulated_disk.ts";

/** A promise that was not kept. */
export class BrokenPromise extends Error {
  override name = "BrokenPromise";
}

function promise(kept: boolean, what: string): asserts kept {
  if (!kept) throw new BrokenPromise(what);
}

export interface Watched {
  readonly id: string;
  readonly raft: Raft;
  readonly disk: SimulatedDisk;
}

export class Promises {
  /** What each committed index holds, whoever applied it first. */
  readonly committed: LogEntry[] = [];
  /** In which term each was applied first, so was committed by then. */
  readonly #committedBy: number[] = [];
  readonly #leaders = new Map<number, string>();
  /** Every entry that ever was, with the term before it, by index and term. */
  readonly #entries = new Map<string, string>();
  readonly #digests = new Map<number, number>();
  readonly #commits = new WeakMap<Raft, number>();

  /** Log matching: who has an entry in common has everything before it in common. */
  written(entry: LogEntry, previous: Position): void {
    const key = `${entry.index} of term ${entry.term}`;
    const text = `${previous.term} ${entry.type} ${fromUtf8(entry.payload)}`;
    const known = this.#entries.get(key);
    promise(known === undefined || known === text, `log matching at ${key}`);
    this.#entries.set(key, text);
  }

  /** State machine safety: nobody applies anything else at this index. */
  applied(entry: LogEntry, digest: number, nodeTerm: number): void {
    const known = this.committed[entry.index - 1];
    if (known === undefined) {
      this.committed[entry.index - 1] = entry;
      this.#committedBy[entry.index - 1] = nodeTerm;
    }
    const isSame = known === undefined ||
      (known.term === entry.term && fromUtf8(known.payload) === fromUtf8(entry.payload));
    promise(isSame, `state machine safety at ${entry.index}`);
    const other = this.#digests.get(entry.index) ?? digest;
    promise(other === digest, `equal states at ${entry.index}`);
    this.#digests.set(entry.index, digest);
  }

  check(node: Watched): void {
    const { id, raft } = node;
    const commit = this.#commits.get(raft) ?? 0;
    promise(raft.commitIndex >= commit, `the commit index of ${id} went back`);
    this.#commits.set(raft, raft.commitIndex);
    this.#checkMembership(node);
    if (raft.role !== "leader") return;
    const other = this.#leaders.get(raft.term);
    promise(other === undefined || other === id, `one leader in term ${raft.term}`);
    if (other === undefined) this.#checkCompleteness(node);
    this.#leaders.set(raft.term, id);
  }

  /** Leader completeness: what was ever committed is in the log of every later leader. */
  #checkCompleteness({ id, raft, disk }: Watched): void {
    const { base, entries } = disk.content;
    for (const { index, term } of this.committed) {
      if (index <= base.index || (this.#committedBy[index - 1] ?? 0) >= raft.term) continue;
      const own = entries[index - base.index - 1];
      promise(own?.term === term, `leader completeness: ${id} lacks ${index}`);
    }
  }

  /** The membership in force is the last one in the log (thesis 4.1). */
  #checkMembership({ id, raft, disk }: Watched): void {
    const { entries, state } = disk.content;
    const last = entries.findLast(({ type, index }) => {
      return type === EntryType.configuration && index > state.at.index;
    });
    const expected = last === undefined ? state.configuration : decodeConfiguration(last.payload);
    const isSame = raft.configuration === expected ||
      fromUtf8(encodeConfiguration(raft.configuration)) === fromUtf8(encodeConfiguration(expected));
    promise(isSame, `the membership of ${id} is that of its log`);
  }
}
