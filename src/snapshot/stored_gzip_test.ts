import { gunzipSync } from "node:zlib";
import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "../base/bytes.ts";
import { testRandom } from "../crypto/testing.ts";
import { Crc, gzipHeader, storedBlocks, storedBytes } from "./stored_gzip.ts";

const random = testRandom(8);

Deno.test("what is stored in any parts is unpacked, with the first part written last", () => {
  const scratch = new Uint8Array(70_000);
  for (const lengths of [[1, 1], [0, 5], [700, 65_535, 3], [65_536, 200_000, 0, 9], [3, 131_070]]) {
    const [first, ...rest] = lengths.map((length) => random.bytes(length));
    const crc = new Crc();
    const blocks = rest.map((part, i) => {
      crc.update(part);
      const stored = storedBlocks(part, { into: scratch, isLast: i === rest.length - 1 }).slice();
      assertEquals(stored.length, storedBytes(part.length));
      return stored;
    });
    const before = first ?? new Uint8Array(0);
    const file = concat(gzipHeader, storedBlocks(before), ...blocks, crc.trailer(before));
    assertEquals(new Uint8Array(gunzipSync(file)), concat(before, ...rest));
    file[file.length - 5] = (file[file.length - 5] ?? 0) ^ 1;
    assertThrows(() => gunzipSync(file));
  }
});
