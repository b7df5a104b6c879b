import { assert, assertEquals } from "@std/assert";
import { ManualClock } from "../core/testing/kit.ts";
import { openLibc } from "./libc.ts";
import { scheduleTrims } from "./trim_memory.ts";

Deno.test("memory is given back again and again, never two calls at a time, until it ends", async () => {
  const clock = new ManualClock();
  let calls = 0;
  let finish = (_given: number) => {};
  const end = scheduleTrims(clock, {
    malloc_trim: () => {
      calls++;
      return new Promise((resolve) => finish = resolve);
    },
  });
  await clock.advance(60_000);
  assertEquals(calls, 1, "the first has not ended");
  finish(1);
  await clock.advance(0);
  await clock.advance(5_000);
  assertEquals(calls, 2);
  end();
  finish(1);
  await clock.advance(0);
  await clock.advance(60_000);
  assertEquals(calls, 2);
});

Deno.test("this machine's C library can, or is known not to", async () => {
  const libc = openLibc();
  assert(libc !== undefined);
  const given = await libc.malloc_trim?.(0n);
  assert(given === undefined || given === 0 || given === 1);
});
