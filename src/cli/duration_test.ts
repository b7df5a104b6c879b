import { assertEquals } from "@std/assert";
import { durationText, parseDuration, shortDuration } from "./duration.ts";
import { Seeded } from "./testing/random.ts";

Deno.test("durations as people write them", () => {
  assertEquals(parseDuration("90"), 90_000);
  assertEquals(parseDuration("1h30m"), 5_400_000);
  assertEquals(parseDuration("1.5h"), 5_400_000);
  assertEquals(parseDuration("250ms"), 250);
  assertEquals(parseDuration("30d"), 2_592_000_000);
  assertEquals(parseDuration("-5s"), -5000);
  for (const bad of ["", "banana", "5 m", "h", "1h banana", "--1s"]) {
    assertEquals(parseDuration(bad), undefined, bad);
  }
});

Deno.test("tables leave out the parts that are zero at the end", () => {
  assertEquals(shortDuration(0), "0s");
  assertEquals(shortDuration(3600), "1h");
  assertEquals(shortDuration(1200), "20m");
  assertEquals(shortDuration(3599), "59m59s");
  assertEquals(shortDuration(2_764_799), "767h59m59s");
  assertEquals(shortDuration(3601), "1h0m1s");
});

Deno.test("property: what is written is read back", () => {
  const random = new Seeded(5);
  for (let round = 0; round < 2000; round++) {
    const ms = random.below(2) === 0 ? random.below(1000) : random.below(10_000_000) * 1000;
    assertEquals(parseDuration(durationText(ms)), ms);
    assertEquals(parseDuration(shortDuration(Math.floor(ms / 1000))), ms - ms % 1000);
  }
});
