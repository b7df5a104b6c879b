/** Sides of a migration on real directories, and what a server makes of a part of one. */
import { assertEquals, assertRejects } from "@std/assert";
import { MIGRATION_PROGRESS_KEY } from "../../barrier/physical.ts";
import { utf8 } from "../../base/bytes.ts";
import { silentLogger } from "../../base/log.ts";
import { readMigrateConfig } from "../../config/migrate.ts";
import { createPlatform } from "../assemble.ts";
import { openStorage, StorageConfigError } from "../open_storage.ts";
import { openStore } from "./store.ts";

const platform = createPlatform(silentLogger);

Deno.test("raft and files give back what was written, in the order of keys", async () => {
  const folder = await Deno.makeTempDir();
  for (const type of ["raft", "file"] as const) {
    const { destination } = readMigrateConfig({
      name: "m.hcl",
      text: `storage_source "file" { path = "${folder}/x" }
        storage_destination "${type}" { path = "${folder}/${type}" }`,
    }, {});
    if (destination === undefined) throw new Error("no destination");
    const side = { name: "storage_destination", clusterAddress: "h:1", parallel: 3 } as const;
    const store = await openStore(destination, side, platform);
    const keys = ["a/b", "a/b/c", "a/b-c", "b", "é"];
    await store.write(keys.map((key) => ({ key, value: utf8(key) })));
    await store.write([{ key: "b", value: null }, {
      key: MIGRATION_PROGRESS_KEY,
      value: utf8("x"),
    }]);
    const found = async (after: string) => {
      const names: string[] = [];
      for await (const { key } of store.entries(after)) names.push(key);
      return names;
    };
    assertEquals(await found(""), ["a/b", "a/b-c", "a/b/c", MIGRATION_PROGRESS_KEY, "é"]);
    assertEquals(await found("a/b-c"), ["a/b/c", MIGRATION_PROGRESS_KEY, "é"]);
    await store.close();
    const serve = () => openStorage(destination, platform, () => {});
    const reason = type === "raft" ? "holds a part of what" : "only for operator migrate";
    await assertRejects(serve, StorageConfigError, reason);
  }
  await Deno.remove(folder, { recursive: true });
});
