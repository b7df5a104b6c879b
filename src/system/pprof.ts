/**
 * `sys/pprof/*`: profiles of the process, under the names that tools for this API ask for. They are
 * V8's, which Chrome's developer tools and speedscope open, not Go's.
 */
import { badRequest, Failure } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Services } from "../core/services.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { ProfileKind } from "../telemetry/profiler.ts";

const secondsDefault = 10;
/** Below the time that a request may take. */
const secondsMax = 60;

const kinds: readonly (readonly [name: string, kind: ProfileKind, summary: string])[] = [
  ["profile", "cpu", "Which functions the processor's time goes to."],
  ["heap", "heap", "Which functions have allocated what is made meanwhile and still there."],
  ["allocs", "heap", "The same as heap."],
];

/** Takes a profile under one of the paths' names. Throws a `Failure` where that can't be. */
export async function takeProfile(
  { profiler }: Pick<Telemetry, "profiler">,
  name: string,
  seconds = secondsDefault,
): Promise<LogicalResponse> {
  const kind = kinds.find(([known]) => known === name)?.[1];
  if (kind === undefined) throw new Failure(404, "unsupported path");
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > secondsMax) {
    throw badRequest(`seconds must be 1 to ${secondsMax}`);
  }
  if (profiler === undefined) throw new Failure(501, "nothing here takes profiles");
  const body = await profiler.profile(kind, seconds);
  return { raw: { status: 200, contentType: "application/json", body } };
}

export function pprofPaths(services: () => Services): Path[] {
  return kinds.map(([name, , summary]) =>
    path(`pprof/${name}`, {
      summary,
      sudo: true,
      fields: { seconds: field.int(`How long to look, 1 to ${secondsMax}.`, secondsDefault) },
      query: ["seconds"],
      operations: {
        read: {
          summary: "Takes a profile.",
          handler: (_call, { seconds }) => takeProfile(services().telemetry, name, seconds),
        },
      },
    })
  );
}
