import { assert, assertEquals } from "@std/assert";
import { ownFacts, SILENT_NODE } from "../raft/net/node_facts.ts";
import { decodeInUse, encodeInUse, lackingIt, refusalOf, unknownToThis } from "./features.ts";

const knows = ownFacts({ features: ["a", "b"] });
const facts = new Map([["one", knows], ["two", ownFacts({ features: ["a"] })], [
  "three",
  SILENT_NODE,
]]);

Deno.test("a feature may be used where every member has said that it knows it", () => {
  const lacking = (feature: string, ids: string[]) =>
    lackingIt(feature, ids, (id) => facts.get(id));
  assertEquals(lacking("a", ["one", "two"]), []);
  assertEquals(lacking("b", ["one", "two"]), ["two"]);
  assertEquals(lacking("a", ["one", "three"]), ["three"]);
  // Nobody knows what a member knows that was never heard of.
  assertEquals(lacking("a", ["one", "four"]), ["four"]);
});

Deno.test("who does not know what is in use is refused with both versions and a way out", () => {
  const inUse = decodeInUse(encodeInUse(new Map([["a", "0.2.0"], ["b", "0.3.0"]])));
  assertEquals(refusalOf(inUse, knows), undefined);
  const refused = refusalOf(inUse, { version: "0.2.0", features: ["a"] }) ?? "";
  for (const part of ['"b"', "since version 0.3.0", "version 0.2.0", "install version 0.3.0"]) {
    assert(refused.includes(part), refused);
  }
  assert(refusalOf(inUse, SILENT_NODE)?.includes("before there were such names"));
  assert(unknownToThis(inUse)?.includes("run version 0.2.0 or a newer one here"));
  assertEquals(unknownToThis(new Map()), undefined);
});
