/** Values behind the barrier that another node may have written. */
import { type Barrier, UnknownTermError } from "../barrier/barrier.ts";
import type { Bytes } from "../base/bytes.ts";

/** Reads one, also where it was written with a key that is newer than what is known here. */
export async function readShared(barrier: Barrier, key: string): Promise<Bytes | undefined> {
  try {
    return await barrier.get(key);
  } catch (error) {
    if (!(error instanceof UnknownTermError)) throw error;
    await barrier.reload();
    return await barrier.get(key);
  }
}
