/** What a diagnosis is made of: a tree of checks, each with its state. */
import { describeError } from "../../base/failure.ts";

export type Status = "ok" | "warn" | "fail" | "skipped";

/** What one check found. Sentences for people; advice says what to do about it. */
export interface Finding {
  readonly status: Status;
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly advice?: string;
}

export interface Check extends Finding {
  readonly name: string;
  /** RFC 3339. */
  readonly time: string;
  readonly children: readonly Check[];
}

export const ok = (message?: string): Finding => ({
  status: "ok",
  ...(message === undefined ? {} : { message }),
});
export const skipped = (message: string): Finding => ({ status: "skipped", message });
export const warn = (warning: string, advice = ""): Finding => ({
  status: "warn",
  warnings: [warning],
  advice,
});
export const fail = (message: string, advice = ""): Finding => ({
  status: "fail",
  message,
  advice,
});

/** Collects checks in their order; names that are to be skipped are not run. */
export class Examination {
  readonly #skip: ReadonlySet<string>;
  readonly #now: () => number;

  constructor(skip: readonly string[], now: () => number) {
    this.#skip = new Set(skip.map((name) => name.toLowerCase()));
    this.#now = now;
  }

  /** A check without parts. What it throws is a failure. */
  async one(name: string, look: () => Finding | Promise<Finding>): Promise<Check> {
    return this.#place(name, await this.#guarded(name, look), []);
  }

  /** A check of several parts: as bad as the worst of them. */
  async group(name: string, parts: () => Promise<readonly Check[]>): Promise<Check> {
    if (this.#skip.has(name.toLowerCase())) return this.#place(name, skipped("as asked"), []);
    let children: readonly Check[] = [];
    const own = await this.#guarded(name, async () => {
      children = await parts();
      return { status: worst(children.map(({ status }) => status)) };
    });
    return this.#place(name, own, children);
  }

  async #guarded(name: string, look: () => Finding | Promise<Finding>): Promise<Finding> {
    if (this.#skip.has(name.toLowerCase())) return skipped("as asked");
    try {
      return await look();
    } catch (error) {
      return fail(describeError(error));
    }
  }

  #place(name: string, finding: Finding, children: readonly Check[]): Check {
    return { ...finding, name, time: new Date(this.#now()).toISOString(), children };
  }
}

export function worst(all: readonly Status[]): Status {
  for (const status of ["fail", "warn", "ok"] as const) {
    if (all.includes(status)) return status;
  }
  return all.length === 0 ? "ok" : "skipped";
}
