/** Looks at what the process spends its time and memory on. */
export interface Profiler {
  /**
   * A profile of so many seconds from now on, as JSON that V8's tools open: functions, how often
   * each was running, or how much each has allocated that is still there. It holds names of
   * functions and files and no values: no secret can be in it. Throws a 429 `Failure` while
   * another one is taken.
   */
  profile(kind: ProfileKind, seconds: number): Promise<string>;
}

export type ProfileKind = "cpu" | "heap";
