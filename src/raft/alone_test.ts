/** Recovery: a node of a group opens its directory without the others, and keeps what it holds. */
import { assertEquals, assertRejects } from "@std/assert";
import type { RaftStorage } from "./mod.ts";
import { inDirectory, openForTest } from "./testing.ts";

async function using<T>(path: string, alone: boolean, use: (s: RaftStorage) => Promise<T>) {
  const storage = await openForTest(path, { alone });
  // The timers of the room let the process end.
  const alive = setInterval(() => {}, 1000);
  try {
    return await use(storage);
  } finally {
    await storage.close();
    clearInterval(alive);
  }
}

const value = new Uint8Array([1, 2, 3]);

Deno.test("a node opened alone leads, holds everything, and stays alone", () =>
  inDirectory(async (path) => {
    const nodeId = await using(path, false, async (storage) => {
      await storage.write([{ key: "a", value }]);
      await storage.group.add({ id: "other", address: "127.0.0.1:1" });
      await storage.write([{ key: "b", value }]);
      return storage.nodeId;
    });
    await using(path, false, async (storage) => {
      assertEquals(storage.configuration().members.length, 2);
      await assertRejects(() => storage.write([{ key: "c", value }]), Error, "lead");
    });
    await using(path, true, async (storage) => {
      assertEquals(storage.configuration().members.map(({ id }) => id), [nodeId]);
      assertEquals([await storage.get("a"), await storage.get("b")], [value, value]);
      await storage.write([{ key: "c", value }]);
    });
    await using(path, false, async (storage) => {
      assertEquals(storage.configuration().members.map(({ id }) => id), [nodeId]);
      assertEquals(await storage.list(""), ["a", "b", "c"]);
      await storage.write([{ key: "d", value }]);
    });
    await using(path, true, async (storage) => {
      assertEquals(await storage.list(""), ["a", "b", "c", "d"]);
    });
  }));

Deno.test("alone makes no group where there was none", () =>
  inDirectory(async (path) => {
    const storage = await openForTest(path, { bootstrap: false, alone: true });
    assertEquals(storage.group.isMember, false);
    await storage.close();
  }));
