/** A real file system without space: writes fail by name, reads go on, space brings writes back. */
import { strict as assert } from "node:assert";
import { StorageFullError } from "./errors.ts";
import { inDirectory, openForTest } from "./testing.ts";

async function run(command: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(command, { args, stderr: "null" }).output();
  return success;
}

async function onSmallDisk(body: (path: string) => Promise<void>): Promise<void> {
  await inDirectory(async (path) => {
    if (!await run("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", path)) {
      console.log("skipped: mounting a small file system needs root");
      return;
    }
    try {
      await body(path);
    } finally {
      assert.ok(await run("umount", "--lazy", path));
    }
  });
}

Deno.test("a full disk fails writes, not reads, and passes by", async () => {
  await onSmallDisk(async (path) => {
    let fatal: Error | undefined;
    const options = { segmentBytes: 300_000, onFatal: (error: Error) => fatal = error };
    let storage = await openForTest(`${path}/data`, options);
    const value = new Uint8Array(20_000).fill(7);
    await Deno.writeFile(`${path}/ballast`, new Uint8Array(7_000_000));
    let written = 0;
    let failure: unknown;
    while (failure === undefined && written < 2000) {
      try {
        await storage.write([{ key: `k/${written}`, value }]);
        written += 1;
        if (written % 20 === 0) await storage.compact().catch(() => undefined);
      } catch (error) {
        failure = error;
      }
    }
    assert.ok(failure instanceof StorageFullError, String(failure));
    assert.equal(fatal, undefined);
    assert.deepEqual(await storage.get("k/0"), value);
    assert.equal((await storage.list("k/")).length, written);
    await assert.rejects(storage.write([{ key: "more", value: new Uint8Array(500_000) }]));
    await Deno.remove(`${path}/ballast`);
    await storage.write([{ key: "again", value }]);
    await storage.compact();
    await storage.close();
    storage = await openForTest(`${path}/data`, options);
    assert.equal((await storage.list("k/")).length, written);
    assert.equal(await storage.get("more"), undefined);
    assert.deepEqual(await storage.get("again"), value);
    assert.deepEqual((await storage.scrub({ pauseMs: 0 })).damages, []);
    await storage.close();
  });
});

Deno.test("a node that died on a full disk starts again once there is space", async () => {
  await onSmallDisk(async (path) => {
    let storage = await openForTest(`${path}/data`);
    const value = new Uint8Array(20_000).fill(7);
    for (let i = 0; i < 50; i++) await storage.write([{ key: `k/${i}`, value }]);
    await Deno.writeFile(`${path}/ballast`, new Uint8Array(20_000_000)).catch(() => undefined);
    await storage.close().catch((error: unknown) => {
      assert.ok(error instanceof StorageFullError, String(error));
    });
    await Deno.remove(`${path}/ballast`);
    storage = await openForTest(`${path}/data`);
    assert.equal((await storage.list("k/")).length, 50);
    await storage.close();
  });
});
