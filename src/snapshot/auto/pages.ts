/** Lists of files that a service gives in pages. */
import { beganAt } from "./file_name.ts";
import type { StoredSnapshot } from "./target.ts";

/** A listing beyond this is not of snapshots alone. */
const PAGES_MAX = 100;

export interface Page {
  /** Whole names, folder and all, with their bytes. */
  readonly files: readonly (readonly [key: string, bytes: number])[];
  /** What asks for the page after it; undefined or "" at the end. */
  readonly next: string | undefined;
}

/**
 * The snapshots of a prefix in a folder ("" or ending in "/"), over all pages. `read` is given the
 * whole prefix, and what the page before it named as next. Other files are passed over.
 */
export async function listPages(
  folder: string,
  filePrefix: string,
  read: (prefix: string, next: string | undefined) => Promise<Page>,
): Promise<StoredSnapshot[]> {
  const found: StoredSnapshot[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { files, next } = await read(folder + filePrefix, after);
    for (const [key, bytes] of files) {
      const name = key.slice(folder.length);
      if (beganAt(filePrefix, name) !== undefined) found.push({ name, bytes });
    }
    if (next === undefined || next === "") return found;
    after = next;
  }
  throw new Error(`more than ${PAGES_MAX} pages of files begin with ${folder}`);
}
