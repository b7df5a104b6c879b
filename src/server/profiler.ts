/** Profiles by V8's inspector, within the process; nothing listens for it. */
import type { Session } from "node:inspector";
import { type Clock, sleep } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import type { ProfileKind, Profiler } from "../telemetry/profiler.ts";

/** How to start and stop each kind. */
const commands = {
  cpu: ["Profiler.enable", "Profiler.start", "Profiler.stop"],
  heap: ["HeapProfiler.enable", "HeapProfiler.startSampling", "HeapProfiler.stopSampling"],
} as const;

export class InspectorProfiler implements Profiler {
  #isBusy = false;

  constructor(readonly clock: Clock) {}

  async profile(kind: ProfileKind, seconds: number): Promise<string> {
    if (this.#isBusy) throw new Failure(429, "another profile is being taken");
    this.#isBusy = true;
    try {
      const { Session } = await import("node:inspector");
      const session = new Session();
      session.connect();
      try {
        const [enable, start, stop] = commands[kind];
        await post(session, enable);
        await post(session, start);
        await sleep(this.clock, seconds * 1000);
        return JSON.stringify(profileIn(await post(session, stop)));
      } finally {
        session.disconnect();
      }
    } finally {
      this.#isBusy = false;
    }
  }
}

function post(session: Session, method: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  session.post(method, (error: Error | null, result?: object) => {
    if (error === null) resolve(result);
    else reject(error);
  });
  return promise;
}

function profileIn(result: unknown): unknown {
  if (typeof result === "object" && result !== null && "profile" in result) return result.profile;
  throw new Error("the inspector has sent no profile");
}
