/** What a later version wrote is told from what is damaged, refused, and left as it is. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { systemClock } from "../base/clock.ts";
import { concat, utf8 } from "../base/bytes.ts";
import { version } from "../base/version.ts";
import { decodeBatch } from "./batch_codec.ts";
import { checksum, nodeSha256 } from "./digest.ts";
import { checkDirectoryFormat, writeDirectoryFormat } from "./directory_format.ts";
import { CorruptionError } from "./errors.ts";
import { DIRECTORY_FORMAT, UnknownFormatError } from "./formats.ts";
import { KvFile, type KvKey } from "./kv_file.ts";
import { decodeLeaf, encodeLeaf } from "./leaf.ts";
import { EntryType } from "./log_entry.ts";
import { CHAIN_START, encodeRecord, refuseNewerRecord } from "./log_record.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";
import { survey } from "./survey.ts";
import { inDirectory, openForTest } from "./testing.ts";

async function used(path: string): Promise<void> {
  const storage = await openForTest(path);
  await storage.write([{ key: "a", value: utf8("b") }]);
  await storage.close();
}

Deno.test("a directory of a newer format is refused with both versions, and is left as it is", () =>
  inDirectory(async (path) => {
    await used(path);
    assertEquals(await checkDirectoryFormat(path), {
      format: DIRECTORY_FORMAT,
      writtenBy: version,
    });
    await writeDirectoryFormat(path, { format: 7, writtenBy: "9.4.0" });
    const before = await Deno.readFile(`${path}/raft/node.kv`);
    for (const open of [() => openForTest(path), () => survey(path, systemClock)]) {
      const { message } = await assertRejects(open, UnknownFormatError);
      for (const part of [path, "format 7", "9.4.0", version, `up to ${DIRECTORY_FORMAT}`]) {
        assert(message.includes(part), message);
      }
    }
    assertEquals(await Deno.readFile(`${path}/raft/node.kv`), before);
    await writeDirectoryFormat(path, { format: DIRECTORY_FORMAT, writtenBy: "0.0.9" });
    await used(path);
    assertEquals((await checkDirectoryFormat(path)).writtenBy, version);
  }));

Deno.test("a directory of the time before there was such a note opens", () =>
  inDirectory(async (path) => {
    await used(path);
    await Deno.remove(`${path}/raft/format`);
    assertEquals(await checkDirectoryFormat(path), { format: 1, writtenBy: "" });
    await used(path);
  }));

/** Puts a newer version into a record that is JSON under a checksum. */
async function makeNewer(file: string, key: KvKey, label: string): Promise<void> {
  const kv = await KvFile.open(file);
  const body = openRecord(label, await kv.get(key) ?? new Uint8Array());
  assert(body !== undefined);
  const [, ...fields]: unknown[] = JSON.parse(new TextDecoder().decode(body));
  const value = sealRecord(label, utf8(JSON.stringify([2, ...fields])));
  await kv.commit([{ key, value }]);
  kv.close();
}

Deno.test("a file with a newer record is named, also where damaged ones are set aside", () =>
  inDirectory(async (path) => {
    const records: [file: string, key: KvKey, label: string][] = [
      ["raft/node.kv", ["node"], "node"],
      ["state-1.kv", ["m"], "state"],
      ["raft/log-0000000000000001.kv", ["h"], "segment"],
    ];
    for (const [i, [file, key, label]] of records.entries()) {
      const directory = `${path}/${i}`;
      await used(directory);
      await makeNewer(`${directory}/${file}`, key, label);
      const open = () => openForTest(directory, { repair: true });
      const { message } = await assertRejects(open, UnknownFormatError);
      assert(message.includes(`${directory}/${file}`), message);
      assert(message.includes("format 2"), message);
    }
  }));

Deno.test("a version is believed only where the record is whole", () => {
  const { row } = encodeLeaf("", undefined, ["k"], [utf8("v")]);
  row[0] = 9;
  // A flipped byte.
  assertEquals(decodeLeaf("", row), undefined);
  const body = row.subarray(0, row.length - 16);
  const length = new Uint8Array(4);
  const whole = concat(body, checksum(length, new Uint8Array(), body));
  assertThrows(() => decodeLeaf("", whole), UnknownFormatError, "format 9");

  const entry = { index: 1, term: 1, type: EntryType.noop, payload: new Uint8Array() };
  const { record: head } = encodeRecord(entry, CHAIN_START, nodeSha256);
  refuseNewerRecord("it", head);
  head[1] = 77;
  refuseNewerRecord("it", head);
  const summed = 46;
  head.set(checksum(head.subarray(0, summed)), summed);
  assertThrows(() => refuseNewerRecord("it", head), UnknownFormatError, "the type of it");
  head[0] = 3;
  head.set(checksum(head.subarray(0, summed)), summed);
  assertThrows(() => refuseNewerRecord("it", head), UnknownFormatError, "format 3");

  assertThrows(() => decodeBatch(new Uint8Array([2, 0, 0, 0, 0])), UnknownFormatError, "format 2");
  assertThrows(() => decodeBatch(new Uint8Array([1, 0])), CorruptionError);
});
