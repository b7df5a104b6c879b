/** What a declared path says of itself holds in every form in which the path can be asked for. */
import { assertEquals } from "@std/assert";
import { Router } from "../core/router.ts";
import { defaultMountConfig, type MountEntry } from "../core/mount_entry.ts";
import type { Call } from "../core/backend.ts";
import type { JsonObject } from "../logical/json.ts";
import { rootNamespace } from "../logical/namespace.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { Transaction } from "../storage/transaction.ts";
import { defineBackend } from "./backend.ts";
import { field } from "./field.ts";
import { path } from "./path.ts";

const entry: MountEntry = {
  table: "mounts",
  path: "m/",
  uuid: "u",
  accessor: "a",
  type: "t",
  description: "",
  local: false,
  sealWrap: false,
  tainted: false,
  options: {},
  config: defaultMountConfig,
  externalEntropyAccess: false,
  namespaceId: "root",
};

const cases: readonly (readonly [pattern: string, asked: readonly string[]])[] = [
  ["audit", ["audit"]],
  ["audit/?", ["audit", "audit/"]],
  ["role/:name", ["role/a"]],
  ["role/:name/?", ["role/a", "role/a/"]],
  ["role/:name!/id", ["role/a b/id"]],
  ["raw/*path", ["raw/", "raw/a/b"]],
  ["tree/+path", ["tree/a/b/"]],
];

for (const [pattern, asked] of cases) {
  Deno.test(`sudo of ${pattern} can't be gone round by a slash`, () => {
    const operations = { read: { summary: "", handler: () => undefined } };
    const declared = path(pattern, { summary: "", sudo: true, operations });
    const backend = defineBackend({ type: "t", help: "", paths: [declared] });
    const mounted = new Router().add(entry, backend);
    for (const one of asked) {
      assertEquals([one, declared.expression.test(one), mounted.isRoot(one)], [one, true, true]);
    }
  });
}

/** An update of a mount's path. */
function callOf(path: string, data: JsonObject): Call {
  const transaction = new Transaction(new InmemStorage(), 0);
  return {
    request: {
      id: "1",
      operation: "update",
      namespace: rootNamespace,
      path: `m/${path}`,
      data,
      headers: new Headers(),
      clientToken: "",
      connection: { remoteAddress: "127.0.0.1", remotePort: 1 },
      method: "POST",
    },
    path,
    mount: {
      uuid: "u",
      path: "m/",
      accessor: "a",
      namespace: rootNamespace,
      options: {},
      local: false,
      tokenType: "",
      defaultLeaseTtl: 1,
      maxLeaseTtl: 1,
    },
    storage: transaction.within("m/"),
    transaction,
    token: undefined,
    cached: () => undefined,
  };
}

Deno.test("what was asked whether it exists is handled with what that made of it, and nothing else is", async () => {
  let read = 0;
  const counted = field.any("Counted.");
  const fields = {
    get value() {
      read++;
      return counted;
    },
  };
  const backend = () =>
    defineBackend({
      type: "t",
      help: "",
      paths: [path("key/:name", {
        summary: "",
        fields,
        exists: (_call, { name }) => Promise.resolve(name === "there"),
        operations: {
          update: {
            summary: "",
            handler: (_call, { name, value }) => ({ data: { name, value: value ?? null } }),
          },
        },
      })],
    });
  const one = backend(), other = backend();
  const call = callOf("key/there", { value: 1, stray: 2 });
  assertEquals(await one.exists(call), true);
  const before = read;
  const answer = await one.handle(call);
  assertEquals(answer?.data, { name: "there", value: 1 });
  assertEquals(answer?.warnings, [
    "These parameters are not known here and were ignored: stray",
  ]);
  assertEquals(read, before);
  for (
    const [backend, changed] of [
      [one, { ...call, path: "key/else" }],
      [one, { ...call, request: { ...call.request, data: { value: 3 } } }],
      [other, call],
    ] as const
  ) {
    const { data } = await backend.handle(changed) ?? {};
    const name = changed.path.slice(4);
    assertEquals(data, { name, value: changed.request.data.value });
    assertEquals(read > before, true);
  }
});
