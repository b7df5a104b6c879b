/** What the server does when it is sent a signal. */

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

/** Listens from now on; returns what ends it. */
export function onSignals(actions: SignalActions): () => void {
  let asked = false;
  const stop = () => {
    if (asked) actions.stopNow();
    asked = true;
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
