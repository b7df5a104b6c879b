import { assert, assertEquals } from "@std/assert";
import { isStream, pauseAfter } from "./courtesy.ts";

Deno.test("a stream of requests gets twice the time that a batch took", () => {
  assertEquals(pauseAfter(10, 100), 20);
  assert(isStream(100));
});

Deno.test("a single request that takes long stops nothing for long", () => {
  assertEquals(pauseAfter(300, 1), 5);
  assert(!isStream(1));
});

Deno.test("nobody is waited for where nobody came", () => {
  assertEquals(pauseAfter(300, 0), 0);
  assert(!isStream(0));
});
