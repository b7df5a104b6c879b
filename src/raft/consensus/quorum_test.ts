/** What the quorums of memberships that follow each other have in common, whoever forgets. */
import { strict as assert } from "node:assert";
import { type Configuration, isOneStep, isQuorum } from "./configuration.ts";

const IDS = [..."abcdef"];

function subsets(): Set<string>[] {
  return Array.from({ length: 1 << IDS.length }, (_, bits) => {
    return new Set(IDS.filter((_, i) => (bits >> i & 1) === 1));
  });
}

function votersOf(ids: Iterable<string>): Configuration {
  return { members: [...ids].map((id) => ({ id, address: "", voter: true })) };
}

Deno.test("what a quorum holds and one of it forgets, each quorum without that one still finds", () => {
  const all = subsets();
  const forgetful = "a";
  let compared = 0;
  for (const before of all) {
    const first = votersOf(before);
    const held = all.filter((set) =>
      set.isSubsetOf(before) && isQuorum(first, (id) => set.has(id))
    );
    for (const after of all) {
      const second = votersOf(after);
      if (!isOneStep(first, second)) continue;
      for (const elects of all) {
        if (elects.has(forgetful) || !elects.isSubsetOf(after)) continue;
        if (!isQuorum(second, (id) => elects.has(id))) continue;
        for (const set of held) {
          compared += 1;
          const holds = [...elects].some((id) => set.has(id));
          assert.ok(holds, `${[...set]} of ${[...before]}, ${[...elects]} of ${[...after]}`);
        }
      }
    }
  }
  assert.ok(compared > 5000, `${compared} compared`);
});

Deno.test("without one of the voters there is a quorum where two others vote, and only there", () => {
  for (const set of subsets()) {
    if (!set.has("a")) continue;
    const others = set.size - 1;
    assert.equal(isQuorum(votersOf(set), (id) => id !== "a"), others >= 2);
  }
});
