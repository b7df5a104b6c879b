/** One run of a command in commands_test.ts. */
import type { FakeOptions } from "./fake_io.ts";
import type { Replies } from "./node.ts";

export interface Case {
  readonly args: readonly string[];
  readonly replies?: Replies;
  /** `METHOD path`, and the body where there is one, in their order. */
  readonly sends: readonly (string | readonly [string, unknown])[];
  /** Standard output, or a part of it. */
  readonly prints?: string;
  /** A part of standard error. */
  readonly complains?: string;
  readonly exit?: number;
  readonly io?: FakeOptions;
}
