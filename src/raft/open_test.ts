import { strict as assert } from "node:assert";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { systemClock, systemRandom } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
import { openRaftStorage, type RaftStorage } from "./mod.ts";

function open(path: string): Promise<RaftStorage> {
  return openRaftStorage({
    path,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    onFatal: (error) => {
      throw error;
    },
  });
}

Deno.test("what was written is there after a restart", async () => {
  const path = await Deno.makeTempDir();
  let storage = await open(path);
  const { nodeId } = storage;
  await storage.write([
    { key: "a/b", value: utf8("1") },
    { key: "a/c", value: utf8("2") },
    { key: "big", value: new Uint8Array(1024 * 1024).fill(7) },
  ]);
  await storage.write([{ key: "a/b", value: null }]);
  for (let round = 0; round < 3; round++) {
    assert.equal(await storage.get("a/b"), undefined);
    assert.equal(fromUtf8(await storage.get("a/c") ?? utf8("")), "2");
    assert.equal((await storage.get("big"))?.length, 1024 * 1024);
    assert.deepEqual(await storage.list(""), ["a/", "big"]);
    assert.deepEqual((await storage.scan("a/", { limit: 10 })).map(({ key }) => key), ["a/c"]);
    await storage.close();
    storage = await open(path);
    assert.equal(storage.nodeId, nodeId);
  }
  await storage.close();
  await Deno.remove(path, { recursive: true });
});
