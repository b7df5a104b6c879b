/**
 * What was changed lately, by key: a transaction looks for what it has read, of which there is little,
 * and not through everything that others have changed meanwhile.
 */

/** A change of a key; the key is "" where all have changed. */
export interface Change {
  readonly key: string;
  readonly sequence: number;
}

interface Commit {
  readonly sequence: number;
  /** Undefined for all there are. */
  readonly keys: readonly string[] | undefined;
}

export class RecentChanges {
  /** Oldest first. */
  #commits: Commit[] = [];
  readonly #lastOf = new Map<string, number>();
  /** When everything has changed; 0 for never. */
  #lastOfAll = 0;

  /** Sequences come in order. Undefined stands for all keys there are. */
  add(sequence: number, keys: readonly string[] | undefined): void {
    this.#commits.push({ sequence, keys });
    if (keys === undefined) this.#lastOfAll = sequence;
    else for (const key of keys) this.#lastOf.set(key, sequence);
  }

  /** The latest change of one of `keys` after `since`. */
  lastOf(keys: readonly string[], since: number): Change | undefined {
    let last = since;
    let found: string | undefined;
    if (this.#lastOfAll > last) {
      last = this.#lastOfAll;
      found = "";
    }
    for (const key of keys) {
      const sequence = this.#lastOf.get(key);
      if (sequence === undefined || sequence <= last) continue;
      last = sequence;
      found = key;
    }
    return found === undefined ? undefined : { key: found, sequence: last };
  }

  /** The latest change of a key that `fits` after `since`. */
  lastWhere(fits: (key: string) => boolean, since: number): Change | undefined {
    for (let i = this.#commits.length - 1; i >= 0; i--) {
      const commit = this.#commits[i];
      if (commit === undefined || commit.sequence <= since) return undefined;
      const key = commit.keys === undefined ? "" : commit.keys.find(fits);
      if (key !== undefined) return { key, sequence: commit.sequence };
    }
    return undefined;
  }

  /** Nobody asks for what was changed up to here any more. */
  forgetUpTo(floor: number): void {
    const commits = this.#commits;
    let drop = 0;
    for (let commit = commits[0]; commit !== undefined && commit.sequence <= floor;) {
      for (const key of commit.keys ?? []) {
        if (this.#lastOf.get(key) === commit.sequence) this.#lastOf.delete(key);
      }
      commit = commits[++drop];
    }
    if (drop > 0) this.#commits = commits.slice(drop);
  }
}
