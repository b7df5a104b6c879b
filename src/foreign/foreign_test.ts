/** Forms that a snapshot of the peer of today does not have, and what is damaged. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import SnappyJS from "snappyjs";
import { concat, utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { silentLogger } from "../base/log.ts";
import { chooseProvider } from "../crypto/choose.ts";
import { Account } from "./account.ts";
import { bring } from "./bring.ts";
import type { Item } from "./items.ts";
import { Opened } from "./opened.ts";
import { fakeVault, packedJson } from "./testing.ts";
import { unpack } from "./unpack.ts";
import { UnreadableError } from "./unreadable.ts";
import { Message } from "./wire.ts";

const crypto = chooseProvider(silentLogger);

async function all(opened: Opened): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of bring(opened, () => true)) items.push(item);
  return items;
}

const oldTables = {
  "core/mounts": packedJson({
    type: "mounts",
    entries: [
      { table: "mounts", path: "kv/", type: "generic", uuid: "u1", accessor: "generic_1" },
      { table: "mounts", path: "team/", type: "kv", uuid: "u2", namespace_id: "abc" },
    ],
  }),
  "core/auth": packedJson({ type: "auth", entries: null }),
  "logical/u1/a/b": utf8('{"x":1.50}'),
  "logical/u1/broken": utf8("{"),
  "logical/u2/c": utf8("{}"),
  "sys/policy/p": utf8('{"Version":2,"Raw":"path \\"a\\" {}","Type":0}'),
  "sys/policy/sentinel": utf8('{"Version":2,"Raw":"main = rule { true }","Type":2}'),
  "strange/thing": utf8("?"),
};

for (const version of [1, 2] as const) {
  Deno.test(`tables of one entry, values of frame version ${version}, no stored root key`, async () => {
    const { source, unsealKey } = fakeVault(oldTables, version);
    const opened = await Opened.open(source, [unsealKey], crypto, new Account());
    const items = await all(opened);
    assertEquals(items.map(({ kind, path }) => `${kind} ${path}`), [
      "mount kv/",
      "policy p",
      "write kv/a/b",
    ]);
    assertEquals(items[0]?.data.type, "kv");
    assertEquals(JSON.stringify(items[2]?.data), '{"x":1.50}');
    const { account } = opened;
    assertEquals(account.failures, [{ key: "logical/u1/broken", reason: "it is no JSON object" }]);
    assertEquals(account.left.map(({ what }) => what), [
      "entries below strange/thing",
      "entries of team/",
      "mount team/",
      "policy sentinel",
    ]);
    await opened.close();
  });
}

Deno.test("a damaged value, and one that was moved, are named and the rest comes", async () => {
  const { source, unsealKey, stored } = fakeVault(
    { ...oldTables, "logical/u1/broken": utf8("{}"), "logical/u1/other": utf8("{}") },
    2,
  );
  const other = stored.get("logical/u1/other");
  if (other !== undefined) stored.set("logical/u1/broken", other);
  stored.set("logical/u1/a/b", new Uint8Array(7));
  const opened = await Opened.open(source, [unsealKey], crypto, new Account());
  const items = await all(opened);
  assertEquals(items.filter(({ kind }) => kind === "write").map(({ path }) => path), ["kv/other"]);
  assertEquals(opened.account.failures.map(({ key }) => key), [
    "logical/u1/a/b",
    "logical/u1/broken",
  ]);
  await opened.close();
});

/** A message of texts and messages by their field numbers. */
function message(fields: readonly (readonly [field: number, value: string | Uint8Array])[]) {
  const writer = new BinaryWriter();
  for (const [field, value] of fields) {
    const bytes = typeof value === "string" ? utf8(value) : value;
    writer.tag(field, WireType.LengthDelimited).bytes(bytes);
  }
  return new Uint8Array(writer.finish());
}

/** An item of a bucket: under an ID, an Any that names its type. */
function item(type: string, content: Uint8Array) {
  return message([[1, "id"], [
    2,
    message([[1, `type.googleapis.com/identity.${type}`], [2, content]]),
  ]]);
}

Deno.test("both kinds of buckets are read; what is of a namespace, or going, is left", async () => {
  const entity = (id: string, namespace: string) =>
    item("Entity", message([[2, id], [3, `name-${id}`], [12, namespace]]));
  const entry = { table: "mounts", path: "gone/", type: "kv", uuid: "u3", tainted: true };
  const store = {
    "core/mounts/i": utf8(JSON.stringify({ path: "identity/", type: "identity", uuid: "i" })),
    "core/mounts/u3": utf8(JSON.stringify(entry)),
    "logical/u3/a": utf8("{}"),
    "logical/i/packer/buckets/1": message([[2, entity("e1", "root")], [2, entity("e2", "ns")]]),
    "logical/i/packer/buckets/2": message([[3, entity("e3", "")]]),
    "logical/i/packer/buckets/3": message([[2, item("", message([[1, "?"]]))], [2, "\x12\x00"]]),
  };
  const { source, unsealKey } = fakeVault(store, 2);
  const opened = await Opened.open(source, [unsealKey], crypto, new Account());
  const items = await all(opened);
  assertEquals(items.map(({ kind, path }) => `${kind} ${path}`), [
    "entity name-e1",
    "entity name-e3",
  ]);
  assertEquals(opened.account.left.map(({ what }) => what), [
    "entity name-e2",
    "entries of gone/",
    "mount gone/",
  ]);
  assertEquals(opened.account.failures.map(({ key }) => key), ["logical/i/packer/buckets/3"]);
  await opened.close();
});

Deno.test("a seal that no person's key opens is refused by its name", async () => {
  const { source, unsealKey, stored } = fakeVault({}, 2);
  const split = { type: "awskms", secret_shares: 1, secret_threshold: 1 };
  stored.set("core/seal-config", utf8(JSON.stringify(split)));
  await assertRejects(
    () => Opened.open(source, [unsealKey], crypto, new Account()),
    Failure,
    'sealed by "awskms"',
  );
});

Deno.test("packed values: gzip, snappy's frames, and what only looks like it", () => {
  assertEquals(unpack(packedJson([1])), utf8("[1]"));
  const start = [0x53, 0xff, 0x06, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59];
  const packed = new Uint8Array(SnappyJS.compress(utf8("hello hello hello hello")));
  const chunk = (type: number, body: Uint8Array) =>
    concat(new Uint8Array([type, body.length + 4, 0, 0, 0, 0, 0, 0]), body);
  const framed = concat(new Uint8Array(start), chunk(0, packed), chunk(1, utf8("!")));
  assertEquals(unpack(framed), utf8("hello hello hello hello!"));
  assertThrows(() => unpack(framed.slice(0, -1)), UnreadableError);
  assertEquals(unpack(utf8("Go is a game")), utf8("Go is a game"));
  assertEquals(unpack(utf8("Snow")), utf8("Snow"));
});

Deno.test("messages: what is cut or no text is an error, never a guess", () => {
  const message = new Message(new Uint8Array([0x0a, 2, 0x68, 0x69, 0x10, 5, 0x1a, 2, 0x08, 7]));
  assertEquals([message.text(1), message.number(2), message.message(3)?.number(1)], ["hi", 5, 7]);
  assertEquals([message.text(9), message.time(9), message.flag(9)], ["", 0, false]);
  assertThrows(() => new Message(new Uint8Array([0x0a, 9, 0x68])), UnreadableError);
  const bad = new Message(new Uint8Array([0x0a, 1, 0xff]));
  assertThrows(() => bad.text(1), UnreadableError);
});
