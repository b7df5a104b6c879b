/** The time between start and stop: signals, reloads, the service manager, the end. */
import { describeError } from "../base/failure.ts";
import { stoppingLine } from "./banner.ts";
import { watchCertificates } from "./cert_watch.ts";
import type { Run } from "./run.ts";
import { ServiceManager } from "./notify.ts";
import { Reloader } from "./reload.ts";
import { onSignals } from "./signals.ts";
import type { Server } from "./start.ts";

/** Resolves with the exit code: 0 when told to stop, 1 when the storage failed. */
export async function serveUntilStopped(
  all: Run,
  server: Server,
  failed: Promise<Error>,
): Promise<number> {
  const { platform, logging, live, first, options } = all;
  const { log, clock } = platform;
  const manager = new ServiceManager(notifyEnvironment());
  const reloader = new Reloader({ first, paths: options.configPaths }, live, server, logging);
  const told = Promise.withResolvers<number>();
  let stopping = false;
  let reloading = Promise.resolve();
  const reload = async () => {
    console.log("==> Holdfast reload triggered");
    manager.reloading();
    await reloader.reload().catch((error) => {
      log.error("the reload failed", { error: describeError(error) });
    });
    manager.ready(statusText(server));
  };
  const ignoreSignals = onSignals({
    stop: () => told.resolve(0),
    stopNow: () => Deno.exit(1),
    reload: () => {
      if (!stopping) reloading = reloading.then(reload);
    },
    describe: () => log.info("as asked by SIGUSR2", { ...describe(server) }),
  }, clock);
  surviveStrayErrors(all);
  const endWatch = watchCertificates(server.listeners, clock);
  const endWatchdog = manager.startWatchdog(clock);
  manager.ready(statusText(server));
  const code = await Promise.race([told.promise, failed.then(fatal)]);
  stopping = true;
  manager.stopping();
  console.log(stoppingLine);
  endWatch();
  await server.stop();
  endWatchdog();
  ignoreSignals();
  return code;

  function fatal(error: Error): number {
    log.error("the storage has failed; the node seals and the process ends", {
      error: describeError(error),
    });
    return 1;
  }
}

function notifyEnvironment() {
  const { env } = Deno;
  return {
    NOTIFY_SOCKET: env.get("NOTIFY_SOCKET"),
    WATCHDOG_USEC: env.get("WATCHDOG_USEC"),
    WATCHDOG_PID: env.get("WATCHDOG_PID"),
  };
}

function statusText({ listeners, node }: Server): string {
  const state = node.sealed ? "sealed" : "unsealed";
  return `${state}, listening on ${listeners.map(({ address }) => address).join(", ")}`;
}

/** What helps to see what a process is at. */
function describe({ listeners, node, storage }: Server) {
  const { rss, heapUsed, heapTotal, external } = Deno.memoryUsage();
  return {
    sealed: node.sealed,
    storage: storage.type,
    in_flight: listeners.reduce((sum, { inFlight }) => sum + inFlight, 0),
    rss_bytes: rss,
    heap_used_bytes: heapUsed,
    heap_total_bytes: heapTotal,
    external_bytes: external,
  };
}

/** A mistake of ours in one request must not end the service for all the others. */
function surviveStrayErrors({ platform: { log } }: Run): void {
  const tell = (what: string, error: unknown) =>
    log.error(what, {
      error: describeError(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    tell("a promise was rejected and nobody cared", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    tell("an error was thrown and nobody cared", event.error);
  });
}
