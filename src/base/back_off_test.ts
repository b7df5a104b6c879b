import { assertEquals } from "@std/assert";
import { backOffMs } from "./back_off.ts";

Deno.test("the wait doubles from the first failure on, up to its bound, and stays there", () => {
  const rule = { firstMs: 10, longestMs: 75 };
  const waits = [1, 2, 3, 4, 5, 1000, 1e9].map((failures) => backOffMs(failures, rule));
  assertEquals(waits, [10, 20, 40, 75, 75, 75, 75]);
});
