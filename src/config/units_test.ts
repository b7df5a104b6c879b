import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration, parseSize } from "./units.ts";

Deno.test("durations are seconds", () => {
  const cases: [string | number, number | undefined][] = [
    ["90s", 90],
    ["1h30m", 5400],
    ["1.5h", 5400],
    ["2d", 172800],
    ["1d12h", 129600],
    ["250ms", 0.25],
    ["1m0.5s", 60.5],
    ["100", 100],
    [90, 90],
    ["-5s", -5],
    ["0", 0],
    [" 5m ", 300],
    ["10µs", 0.00001],
    ["", undefined],
    ["5", 5],
    ["s", undefined],
    ["5x", undefined],
    ["5m3", undefined],
    ["1e3s", undefined],
    ["9999999999999h", undefined],
    [Number.NaN, undefined],
    ["1".repeat(200), undefined],
  ];
  for (const [text, seconds] of cases) assertEquals(parseDuration(text), seconds, String(text));
});

Deno.test("durations are written as Go does", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [3600, "1h0m0s"],
    [90, "1m30s"],
    [2764800, "768h0m0s"],
    [1.5, "1.5s"],
    [0.25, "250ms"],
    [0.00001, "10µs"],
    [-120, "-2m0s"],
    [59.5, "59.5s"],
  ];
  for (const [seconds, text] of cases) {
    assertEquals(formatDuration(seconds), text);
    assertEquals(parseDuration(text), seconds);
  }
});

Deno.test("sizes are bytes: kb is 1000, kib 1024", () => {
  const cases: [string | number, number | undefined][] = [
    ["32mb", 32_000_000],
    ["32MiB", 33_554_432],
    ["1 gib", 1_073_741_824],
    ["100", 100],
    [100, 100],
    ["10b", 10],
    ["-1", -1],
    ["1.5mb", undefined],
    ["mb", undefined],
    ["9xb", undefined],
    [1.5, undefined],
    ["999999999999999tb", undefined],
  ];
  for (const [text, bytes] of cases) assertEquals(parseSize(text), bytes, String(text));
});
