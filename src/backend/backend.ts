/** Makes a mountable backend out of declared paths. */
import { badRequest, Failure, unsupportedOperation } from "../base/failure.ts";
import type { BackendDescription, Call, LogicalBackend, SpecialPaths } from "../core/backend.ts";
import type { JsonObject, JsonValue } from "../logical/json.ts";
import type { Operation } from "../logical/request.ts";
import { withWarnings } from "../logical/response.ts";
import { describePaths } from "./describe.ts";
import { readField } from "./field.ts";
import type { HandledOperation, OperationSpec, Path } from "./path.ts";

export interface BackendSpec extends Partial<Omit<LogicalBackend, "handle" | "exists">> {
  readonly type: string;
  readonly help: string;
  readonly paths: readonly Path[];
}

interface Match {
  readonly path: Path;
  readonly captures: RegExpExecArray;
}

type Find = (path: string) => Match | undefined;

/** Builds the backend; see `Path` for how a request finds its handler. */
export function defineBackend(spec: BackendSpec): LogicalBackend {
  const find = indexPaths(spec.paths);
  const { help, paths, ...hooks } = spec;
  return {
    ...hooks,
    specialPaths: spec.specialPaths ?? specialFromPaths(paths),
    describe: (): BackendDescription => describePaths(help, paths),
    onStandby(path, operation) {
      const match = find(path);
      return match !== undefined && pick(match.path, operation)?.standby === true;
    },
    async exists(call) {
      const match = find(call.path);
      if (match?.path.exists === undefined) return undefined;
      const prepared = new Prepared(find, call, match, readInput(match, call));
      call.prepared = prepared;
      return await match.path.exists(call, prepared.read.input);
    },
    async handle(call) {
      const prepared = Prepared.of(find, call);
      const match = prepared?.match ?? find(call.path);
      if (match === undefined) throw new Failure(404, "unsupported path");
      const operation = pick(match.path, call.request.operation);
      if (operation === undefined) throw unsupportedOperation();
      const { input, warnings } = prepared?.read ?? readInput(match, call);
      const response = await operation.handler(call, input);
      if (!response) return undefined;
      return withWarnings(response, warnings);
    },
  };
}

/** Routes by the first literal segment, so that a large backend costs no more than a small one. */
function indexPaths(paths: readonly Path[]): Find {
  const byHead = new Map<string, Path[]>();
  const open: Path[] = [];
  for (const path of paths) {
    const head = /^[^/:+*?]+/.exec(path.pattern)?.[0];
    if (head === undefined) open.push(path);
    else byHead.set(head, [...(byHead.get(head) ?? []), path]);
  }
  return (requested) => {
    const slash = requested.indexOf("/");
    const head = slash < 0 ? requested : requested.slice(0, slash);
    for (const group of [byHead.get(head), open]) {
      for (const path of group ?? []) {
        const captures = path.expression.exec(requested);
        if (captures !== null) return { path, captures };
      }
    }
    return undefined;
  };
}

/** A create that is not declared apart is an update, and the other way round. */
function pick(
  path: Path,
  operation: Operation,
): OperationSpec<Record<string, unknown>> | undefined {
  if (operation === "help") return undefined;
  const alternatives: Partial<Record<Operation, HandledOperation>> = {
    create: "update",
    update: "create",
  };
  const other = alternatives[operation];
  return path.operations.get(operation) ??
    (other === undefined ? undefined : path.operations.get(other));
}

interface ReadInput {
  readonly input: Record<string, unknown>;
  readonly warnings: string[];
}

/** What was found out to ask whether something exists, for handling the same call. */
class Prepared {
  readonly #path: string;
  readonly #data: JsonObject;

  constructor(
    readonly find: Find,
    { path, request }: Call,
    readonly match: Match,
    readonly read: ReadInput,
  ) {
    this.#path = path;
    this.#data = request.data;
  }

  /** Undefined where nothing was, or not of this backend, path and data. */
  static of(find: Find, { prepared, path, request }: Call): Prepared | undefined {
    if (!(prepared instanceof Prepared) || prepared.find !== find) return undefined;
    return prepared.#path === path && prepared.#data === request.data ? prepared : undefined;
  }
}

function readInput({ path, captures }: Match, call: Call): ReadInput {
  const input: Record<string, unknown> = {};
  const data = call.request.data;
  for (const name of Object.keys(path.fields)) {
    const declared = path.fields[name];
    if (declared !== undefined) input[name] = readField(name, declared, data[name]);
  }
  path.params.forEach((name, i) => input[name] = captures[i + 1] ?? "");
  return { input, warnings: inputWarnings(path, data) };
}

function inputWarnings(path: Path, data: Record<string, JsonValue | undefined>): string[] {
  const warnings: string[] = [];
  const names = Object.keys(data);
  const isExpected = (name: string) => name in path.fields && !path.params.includes(name);
  if (names.every(isExpected)) return warnings;
  const replaced = names.filter((name) => path.params.includes(name)).sort();
  const known = (name: string) => name in path.fields || path.params.includes(name);
  const ignored = path.spec.arbitrary ? [] : names.filter((name) => !known(name)).sort();
  if (ignored.length > 0) {
    warnings.push(`These parameters are not known here and were ignored: ${ignored.join(", ")}`);
  }
  if (replaced.length > 0) {
    warnings.push(`These parameters were taken from the path instead: ${replaced.join(", ")}`);
  }
  return warnings;
}

function specialFromPaths(paths: readonly Path[]): SpecialPaths {
  return {
    unauthenticated: paths.filter((path) => path.spec.unauthenticated).flatMap(globs),
    root: paths.filter((path) => path.spec.sudo).flatMap(globs),
  };
}

/** Globs for all that a path's pattern matches: an optional slash makes two of them. */
function globs({ pattern }: Path): string[] {
  const glob = pattern.replace(/\/\?$/, "").replace(/(^|\/):\w+!?/g, "$1+")
    .replace(/[+*]\w+$/, "*");
  return pattern.endsWith("/?") ? [glob, `${glob}/`] : [glob];
}

/** For handlers: a field that must be there. */
export function required<T>(name: string, value: T | undefined): T {
  if (value === undefined || value === "") throw badRequest(`missing ${name}`);
  return value;
}
