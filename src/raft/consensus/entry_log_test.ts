import { assertEquals } from "@std/assert";
import { EntryType } from "../log_entry.ts";
import { EntryLog } from "./entry_log.ts";

function logOf(...terms: readonly number[]): EntryLog {
  const boot = { base: { index: 0, term: 0 }, runs: [], lastIndex: 0, tail: [] };
  const log = new EntryLog(boot, 1000);
  terms.forEach((term, at) => {
    log.append({ index: at + 1, term, type: EntryType.changes, payload: new Uint8Array(1) });
  });
  return log;
}

const termsOf = (log: EntryLog, to: number) =>
  Array.from({ length: to + 1 }, (_, index) => log.term(index));

Deno.test("a compaction keeps the terms of what stays, and of the base", () => {
  const log = logOf(1, 1, 2, 2, 3);
  log.compact({ index: 3, term: 2 });
  assertEquals(termsOf(log, 6), [undefined, undefined, undefined, 2, 2, 3, undefined]);
  log.compact({ index: 5, term: 3 });
  assertEquals([log.term(5), log.last], [3, { index: 5, term: 3 }]);
});

Deno.test("a compaction that is told of late takes nothing back", () => {
  const log = logOf(1, 1, 2);
  log.restart({ index: 44, term: 3 });
  log.compact({ index: 2, term: 1 });
  assertEquals([log.base, log.term(44), log.last], [
    { index: 44, term: 3 },
    3,
    { index: 44, term: 3 },
  ]);
  log.append({ index: 45, term: 4, type: EntryType.changes, payload: new Uint8Array(1) });
  log.compact({ index: 44, term: 3 });
  assertEquals(termsOf(log, 45).slice(43), [undefined, 3, 4]);
});
