/** What is found among recent changes is what a walk through all of them would find. */
import { assertEquals } from "@std/assert";
import { seeded } from "../raft/testing.ts";
import { type Change, RecentChanges } from "./recent_changes.ts";

interface Commit {
  readonly sequence: number;
  readonly keys: readonly string[] | undefined;
}

/** The latest commit after `since` that changed everything, or a key that `fits`. */
function walk(
  commits: readonly Commit[],
  fits: (key: string) => boolean,
  since: number,
): number | undefined {
  return commits.findLast(({ sequence, keys }) =>
    sequence > since && (keys === undefined || keys.some(fits))
  )?.sequence;
}

Deno.test("the latest change of what was read or listed, whatever was forgotten", () => {
  const draw = seeded(11);
  const recent = new RecentChanges();
  const commits: Commit[] = [];
  const someKeys = (most: number) =>
    Array.from({ length: draw(most) }, () => `${draw(3)}/${draw(40)}`);
  let floor = 0;
  for (let sequence = 1; sequence < 2000; sequence++) {
    const keys = draw(50) === 0 ? undefined : someKeys(5);
    recent.add(sequence, keys);
    commits.push({ sequence, keys });
    if (draw(4) === 0) recent.forgetUpTo(floor = Math.max(floor, sequence - draw(20)));
    const since = floor + draw(sequence - floor + 1);
    const read = someKeys(6);
    const found = recent.lastOf(read, since);
    assertEquals(found?.sequence, walk(commits, (key) => read.includes(key), since));
    const isAll = (change: Change) => commits[change.sequence - 1]?.keys === undefined;
    if (found !== undefined) {
      assertEquals(found.key === "", isAll(found));
      if (!isAll(found)) assertEquals(read.includes(found.key), true);
    }
    const folder = `${draw(3)}/`;
    const listed = recent.lastWhere((key) => key.startsWith(folder), since);
    assertEquals(listed?.sequence, walk(commits, (key) => key.startsWith(folder), since));
  }
});
