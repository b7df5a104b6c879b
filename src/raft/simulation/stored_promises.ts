/** What clusters with their files promise at every step, as far as it can be seen from outside. */
import { BrokenPromise } from "./promises.ts";
import type { Process } from "./virtual_time.ts";

export interface Seen {
  readonly term: number;
  readonly commitIndex: number;
  readonly leader: string | undefined;
}

export class StoredPromises {
  readonly #leaders = new Map<number, string>();
  readonly #states = new Map<number, { readonly hash: string; readonly id: string }>();
  readonly #seen = new WeakMap<Process, Seen>();
  readonly #terms = new Map<string, number>();

  /** One leader a term; a term and a commit index that never go back, the term not by a restart. */
  seen(process: Process, id: string, seen: Seen): void {
    const before = this.#seen.get(process);
    const { term, commitIndex, leader } = seen;
    if (before !== undefined && commitIndex < before.commitIndex) {
      throw new BrokenPromise(`the commit index of ${id} went back`);
    }
    if (term < (this.#terms.get(id) ?? 0)) throw new BrokenPromise(`the term of ${id} went back`);
    this.#terms.set(id, term);
    this.#seen.set(process, seen);
    if (leader === undefined) return;
    const other = this.#leaders.get(term) ?? leader;
    if (other !== leader) {
      throw new BrokenPromise(`one leader in term ${term}: ${leader} for ${id}, ${other} before`);
    }
    this.#leaders.set(term, leader);
  }

  /** The node has forgotten all it knew. */
  wiped(id: string): void {
    this.#terms.delete(id);
  }

  /** Equal states at an equal index, whoever has them and however they came about. */
  state(id: string, index: number, hash: string): void {
    const known = this.#states.get(index) ?? { hash, id };
    if (known.hash !== hash) {
      throw new BrokenPromise(`equal states at ${index}: ${id}, ${known.id}`);
    }
    this.#states.set(index, known);
  }
}
