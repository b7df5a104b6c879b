import { assert, assertEquals, assertRejects } from "@std/assert";
import { ownFacts, SILENT_NODE } from "../raft/net/node_facts.ts";
import type { Bytes } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { silentLogger } from "../base/log.ts";
import {
  decodeInUse,
  encodeInUse,
  FEATURES,
  Features,
  FEATURES_KEY,
  lackingIt,
  refusalOf,
  unknownToThis,
} from "./features.ts";

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

/** A node "a" of a group, and what is stored. */
function node(members: string[], stored = new Map<string, Bytes>(), isActive = false) {
  const features = new Features({
    read: (key) => Promise.resolve(stored.get(key)),
    write: (key, value) => Promise.resolve(stored.set(key, value)),
    log: silentLogger,
    nodeId: "a",
    members: () => members,
    isActive: () => isActive,
  }, ownFacts({ features: FEATURES }));
  return { features, stored };
}

Deno.test("a feature is used from the moment on at which the last member knows it, and stays so", async () => {
  const members = ["a", "b", "c"];
  const { features, stored } = node(members);
  assertEquals(await features.use("tls-rotation"), false);
  assertEquals(features.introduced("b", ownFacts({ features: FEATURES })), undefined);
  assertEquals(features.introduced("c", SILENT_NODE), undefined);
  assertEquals(await features.use("tls-rotation"), false);
  assertEquals(stored.size, 0);
  features.introduced("c", ownFacts({ features: [...FEATURES, "of a later version"] }));
  assertEquals(await features.use("tls-rotation"), true);
  // Who comes now has to know it, and so has who comes back.
  assert(features.introduced("d", SILENT_NODE)?.includes('"tls-rotation"'));
  assert(features.introduced("c", ownFacts({ features: [] }))?.includes("install version"));
  assertEquals(await features.use("tls-rotation"), true);

  // Others learn it from what is stored; one that does not know all of it says so and stays out.
  const other = node(members, stored);
  await other.features.load();
  assert(other.features.isInUse("tls-rotation"));
  const later = new Map([["tls-rotation", "0.1.0"], ["of a later version", "7.0.0"]]);
  stored.set(FEATURES_KEY, encodeInUse(later));
  const { message } = await assertRejects(() => other.features.load(), Failure);
  assert(message.includes('"of a later version" since version 7.0.0'), message);
});

Deno.test("the active node uses some at once when the last member tells that it knows them", async () => {
  const { features } = node(["a", "b"], undefined, true);
  await features.useAtOnce();
  assert(!features.isInUse("lone-tokens"));
  features.introduced("b", ownFacts({ features: FEATURES }));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([features.isInUse("lone-tokens"), features.isInUse("tls-rotation")], [true, false]);
});

Deno.test("alone, a node uses what it knows", async () => {
  assertEquals(await node(["a"]).features.use("tls-rotation"), true);
});
