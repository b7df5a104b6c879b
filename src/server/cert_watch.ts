/** Takes up certificates that another program has renewed, without being told. */
import type { Clock } from "../base/clock.ts";
import type { RunningListener } from "./running_listener.ts";

const lookEveryMs = 5000;

/** Looks at the files of all listeners from now on; returns what ends it. */
export function watchCertificates(
  listeners: readonly RunningListener[],
  clock: Clock,
): () => void {
  let cancel = () => {};
  const look = () => {
    cancel = clock.after(lookEveryMs, async () => {
      for (const listener of listeners) await listener.refreshTls();
      look();
    });
  };
  look();
  return () => cancel();
}
