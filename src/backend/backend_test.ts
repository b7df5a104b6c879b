/** What a declared path says of itself holds in every form in which the path can be asked for. */
import { assertEquals } from "@std/assert";
import { Router } from "../core/router.ts";
import { defaultMountConfig, type MountEntry } from "../core/mount_entry.ts";
import { defineBackend } from "./backend.ts";
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
