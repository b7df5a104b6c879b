/**
 * Gives memory back that the C library holds and nobody uses. What the runtime allocates outside of
 * JavaScript (rows of the storage, requests, answers) comes and goes on many threads; glibc keeps
 * the pages it was in for the next time, 55 of 220 MiB after 24,000 writes.
 */
import type { Cancel, Clock } from "../base/clock.ts";
import type { Libc } from "./libc.ts";

/** A call takes 0.3 to 4 ms, on another thread. */
const periodMs = 5_000;

/** Trims again and again until the returned function is called; on a C library that can. */
export function scheduleTrims(clock: Clock, libc: Pick<Libc, "malloc_trim">): Cancel {
  const trim = libc.malloc_trim;
  if (trim === null) return () => {};
  let cancel: Cancel = () => {};
  let isOver = false;
  const next = () => {
    if (!isOver) cancel = clock.after(periodMs, run);
  };
  const run = () => {
    trim(0n).then(next);
  };
  next();
  return () => {
    isOver = true;
    cancel();
  };
}
