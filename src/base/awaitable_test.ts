import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Awaitable, chain } from "./awaitable.ts";

const half = (n: number): Awaitable<number> => {
  if (n % 2 === 1) throw new RangeError(`${n} is odd`);
  return n / 2;
};

Deno.test("what is at hand is answered at once, what is not when it is there", async () => {
  assertEquals(chain(8, half), 4);
  const later = chain(Promise.resolve(8), half);
  assertEquals(later instanceof Promise, true);
  assertEquals(await later, 4);
  assertEquals(await chain(8, (n) => Promise.resolve(n + 1)), 9);
});

Deno.test("what fails at hand throws, what fails later rejects, and nothing goes on after it", async () => {
  assertThrows(() => chain(7, half), RangeError);
  await assertRejects(async () => await chain(Promise.resolve(7), half), RangeError);
  let went = false;
  const failed = chain(Promise.reject(new RangeError("no")), () => went = true);
  await assertRejects(async () => await failed, RangeError);
  assertEquals(went, false);
});
