/** What the server does when it is sent a signal. */
import type { Clock } from "../base/clock.ts";

export interface SignalActions {
  /** SIGINT, SIGTERM. */
  readonly stop: () => void;
  /** The same again: the owner does not want to wait. */
  readonly stopNow: () => void;
  /** SIGHUP. */
  readonly reload: () => void;
  /** SIGUSR2. */
  readonly describe: () => void;
}

const impatientMs = 1000;

/** Listens from now on; returns what ends it. */
export function onSignals(actions: SignalActions, clock: Clock): () => void {
  let askedAt: number | undefined;
  const stop = () => {
    // Ctrl-C reaches a script and its server, and the script passes it on: that is asked once.
    if (askedAt !== undefined && clock.monotonic() - askedAt > impatientMs) actions.stopNow();
    askedAt ??= clock.monotonic();
    actions.stop();
  };
  const handlers: [Deno.Signal, () => void][] = [
    ["SIGINT", stop],
    ["SIGTERM", stop],
    ["SIGHUP", actions.reload],
    ["SIGUSR2", actions.describe],
  ];
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
  };
}
