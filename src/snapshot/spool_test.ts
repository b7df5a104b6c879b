import { assertEquals, assertRejects } from "@std/assert";
import { concat } from "../base/bytes.ts";
import { testRandom } from "../crypto/testing.ts";
import { SpoolFile } from "./spool.ts";

Deno.test("a stream is taken whole and in order, and nothing is left of one that breaks off", async () => {
  const folder = await Deno.makeTempDir();
  const random = testRandom(3);
  // More than may wait for the disk.
  const chunks = Array.from({ length: 300 }, (_, i) => random.bytes(i % 3 === 0 ? 200_000 : i));
  const whole = concat(...chunks);
  for (const ownsBuffers of [false, true]) {
    const spool = await SpoolFile.take(folder, ReadableStream.from(chunks), { ownsBuffers });
    assertEquals(await Deno.readFile(spool.path), whole);
    // Large ones have been let go of then.
    assertEquals(chunks.some(({ length }) => length > 4096), !ownsBuffers);
    await spool.remove();
  }
  async function* broken() {
    yield await Promise.resolve(random.bytes(1000));
    throw new Error("the connection ended");
  }
  await assertRejects(() => SpoolFile.take(folder, broken()), Error, "the connection ended");
  assertEquals([...Deno.readDirSync(folder)], []);
});
