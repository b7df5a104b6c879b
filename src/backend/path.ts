/**
 * Paths declared as data: pattern, fields, operations. Routing, argument checking, help and
 * OpenAPI all come from the declaration.
 *
 * Patterns: `:name` takes one segment of word characters, dots and dashes; `:name!` any one
 * segment; `+name` everything that is left, at least a character; `*name` the same, may be empty;
 * a trailing `/?` makes the slash optional.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Call } from "../core/backend.ts";
import type { Operation } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { FieldMap, FieldValue } from "./field.ts";

type SegmentName<S extends string> = S extends `:${infer N}!` ? N
  : S extends `:${infer N}` ? N
  : S extends `+${infer N}` ? N
  : S extends `*${infer N}` ? N
  : never;

/** The parameter names of a pattern. */
export type PathParams<P extends string> = P extends `${infer Head}/${infer Rest}`
  ? SegmentName<Head> | PathParams<Rest>
  : SegmentName<P>;

/** What a handler is given: path parameters as text, fields as declared. */
export type Input<P extends string, F extends FieldMap> =
  & { readonly [K in PathParams<P>]: string }
  & { readonly [K in keyof F]: FieldValue<F[K]> };

export type Handler<I> = (call: Call, input: I) => Awaitable<LogicalResponse | undefined | void>;

export type HandledOperation = Exclude<Operation, "help">;

export interface OperationSpec<I> {
  readonly summary: string;
  readonly handler: Handler<I>;
  /** Works, but is nothing to be recommended: left out of help and OpenAPI. */
  readonly undocumented?: boolean;
  /** Only looks at what is stored, through its call: a standby may answer it. */
  readonly standby?: boolean;
}

export interface PathSpec<P extends string, F extends FieldMap> {
  /** One line. */
  readonly summary: string;
  /** As long as it takes; shown by path-help. */
  readonly description?: string;
  readonly params?: { readonly [K in PathParams<P>]?: string };
  readonly fields?: F;
  /** Names of fields that may come in the query of a read or list too. */
  readonly query?: readonly (keyof F & string)[];
  /** Any other fields are data: no warning about unknown ones. */
  readonly arbitrary?: boolean;
  readonly unauthenticated?: boolean;
  readonly sudo?: boolean;
  /** Tells create from update; without it every write is an update. */
  readonly exists?: (call: Call, input: Input<P, F>) => Awaitable<boolean>;
  readonly operations: Partial<Record<HandledOperation, OperationSpec<Input<P, F>>>>;
}

/** A compiled path, its types closed over. */
export interface Path {
  readonly pattern: string;
  /** Names in the order of the expression's groups. */
  readonly params: readonly string[];
  readonly expression: RegExp;
  readonly fields: FieldMap;
  readonly spec: {
    readonly summary: string;
    readonly description: string;
    readonly params: Readonly<Record<string, string>>;
    readonly query: readonly string[];
    readonly arbitrary: boolean;
    readonly unauthenticated: boolean;
    readonly sudo: boolean;
  };
  readonly operations: ReadonlyMap<HandledOperation, OperationSpec<Record<string, unknown>>>;
  readonly exists: ((call: Call, input: Record<string, unknown>) => Awaitable<boolean>) | undefined;
}

const segmentExpression: readonly [RegExp, string][] = [
  [/^:\w+!$/, "([^/]+)"],
  [/^:\w+$/, "(\\w(?:[\\w.-]*\\w)?)"],
  [/^\+\w+$/, "(.+)"],
  [/^\*\w+$/, "(.*)"],
];

function compile(pattern: string): { expression: RegExp; params: string[] } {
  const params: string[] = [];
  const optionalSlash = pattern.endsWith("/?");
  const parts = (optionalSlash ? pattern.slice(0, -2) : pattern).split("/").map((segment) => {
    const kind = segmentExpression.find(([form]) => form.test(segment));
    if (kind === undefined) return segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    params.push(segment.replace(/^[:+*]|!$/g, ""));
    return kind[1];
  });
  return {
    expression: new RegExp(`^${parts.join("/")}${optionalSlash ? "/?" : ""}$`, "s"),
    params,
  };
}

/**
 * Declares a path. The handlers' input type follows from the pattern and the fields, and is checked
 * here, where they meet; behind this function all inputs are plain records.
 */
export function path<const P extends string, const F extends FieldMap = Record<never, never>>(
  pattern: P,
  spec: PathSpec<P, F>,
): Path {
  const { expression, params } = compile(pattern);
  const operations = new Map<HandledOperation, OperationSpec<Record<string, unknown>>>();
  for (const [name, operation] of Object.entries(spec.operations)) {
    operations.set(name as HandledOperation, erase<P, F>(operation));
  }
  const { exists } = spec;
  return {
    pattern,
    params,
    expression,
    fields: spec.fields ?? {},
    spec: {
      summary: spec.summary,
      description: spec.description ?? "",
      params: Object.fromEntries(
        Object.entries<string | undefined>(spec.params ?? {})
          .map(([name, text]) => [name, text ?? ""]),
      ),
      query: spec.query ?? [],
      arbitrary: spec.arbitrary ?? false,
      unauthenticated: spec.unauthenticated ?? false,
      sudo: spec.sudo ?? false,
    },
    operations,
    exists: exists === undefined ? undefined : (call, input) => exists(call, narrow<P, F>(input)),
  };
}

const reads: ReadonlySet<string> = new Set<HandledOperation>(["read", "list", "scan"]);

/** The same paths, with all that reads marked as what a standby may answer. */
export function standbyReads(paths: readonly Path[]): Path[] {
  return paths.map((path) => ({
    ...path,
    operations: new Map(
      [...path.operations].map(([name, operation]) => [
        name,
        reads.has(name) ? { ...operation, standby: true } : operation,
      ]),
    ),
  }));
}

/** The same paths, below a folder. */
export function pathsBelow(folder: string, paths: readonly Path[]): Path[] {
  return paths.map((path) => ({
    ...path,
    pattern: `${folder}/${path.pattern}`,
    expression: new RegExp(`^${folder}/${path.expression.source.slice(1)}`, "s"),
  }));
}

function erase<P extends string, F extends FieldMap>(
  operation: OperationSpec<Input<P, F>>,
): OperationSpec<Record<string, unknown>> {
  return {
    summary: operation.summary,
    undocumented: operation.undocumented ?? false,
    standby: operation.standby ?? false,
    handler: (call, input) => operation.handler(call, narrow<P, F>(input)),
  };
}

/**
 * The one place where an input gets its type back: `readInput` fills exactly the pattern's
 * parameters and the declared fields, which is what Input says.
 */
function narrow<P extends string, F extends FieldMap>(
  input: Record<string, unknown>,
): Input<P, F> {
  return input as Input<P, F>;
}
