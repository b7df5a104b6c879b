/**
 * The names and signatures of `@std/assert`, which only JSR carries, over node:assert. When JSR can
 * be reached, `deno.json` points at it instead and this file goes.
 */
import nodeAssert from "node:assert";

/** What every assertion here throws. */
export class AssertionError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A class whose instances may be expected; abstract ones too. */
export type ErrorClass<E = unknown> = abstract new (...args: never[]) => E;

function failed(what: string, message: string | undefined): AssertionError {
  return new AssertionError(message === undefined ? what : `${what}: ${message}`);
}

function show(value: unknown): string {
  return Deno.inspect(value, { depth: 10, iterableLimit: 50, sorted: true });
}

/** Runs an assertion of node:assert, restating its error as ours. */
function check(assertion: () => void, message: string | undefined): void {
  try {
    assertion();
  } catch (error) {
    if (!(error instanceof nodeAssert.AssertionError)) throw error;
    throw failed(error.message, message);
  }
}

/** Fails unless `value` is truthy. */
export function assert(value: unknown, message?: string): asserts value {
  if (!value) throw new AssertionError(message ?? "a truthy value was expected");
}

/** Fails unless `value` is falsy. */
export function assertFalse(value: unknown, message?: string): void {
  if (value) throw failed(`a falsy value was expected, not ${show(value)}`, message);
}

/** Deep, strict equality. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  check(() => nodeAssert.deepStrictEqual(actual, expected), message);
}

/** The reverse of `assertEquals`. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  check(() => nodeAssert.notDeepStrictEqual(actual, expected), message);
}

/** Identity, as `Object.is` tells it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  check(() => nodeAssert.strictEqual(actual, expected), message);
}

/** The reverse of `assertStrictEquals`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, message?: string): void {
  check(() => nodeAssert.notStrictEqual(actual, expected), message);
}

/** Equal within `tolerance`, or within 1e-7 of the expected value's size. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance = Math.max(Math.abs(expected) * 1e-7, 1e-7),
  message?: string,
): void {
  if (Object.is(actual, expected) || Math.abs(actual - expected) <= tolerance) return;
  throw failed(`${actual} is not within ${tolerance} of ${expected}`, message);
}

/** Neither null nor undefined. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) throw failed("a value was expected", message);
}

/** `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    throw failed(`${show(actual)} does not contain ${show(expected)}`, message);
  }
}

/** Every item of `expected` deeply equals some item of `actual`. */
export function assertArrayIncludes<T>(
  actual: ArrayLike<T>,
  expected: ArrayLike<T>,
  message?: string,
): void {
  const items = Array.from(actual);
  const missing = Array.from(expected).filter((wanted) => !items.some((i) => equal(i, wanted)));
  if (missing.length > 0) throw failed(`${show(items)} lacks ${show(missing)}`, message);
}

/** Deep, strict equality as an answer. */
export function equal(a: unknown, b: unknown): boolean {
  try {
    nodeAssert.deepStrictEqual(a, b);
    return true;
  } catch (error) {
    if (error instanceof nodeAssert.AssertionError) return false;
    throw error;
  }
}

/** `actual` matches `expected`. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (!expected.test(actual)) throw failed(`${show(actual)} does not match ${expected}`, message);
}

/** The reverse of `assertMatch`. */
export function assertNotMatch(actual: string, expected: RegExp, message?: string): void {
  if (expected.test(actual)) throw failed(`${show(actual)} matches ${expected}`, message);
}

/** `actual` was made by `expectedType` or a class that extends it. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: ErrorClass<T>,
  message?: string,
): asserts actual is T {
  if (!(actual instanceof expectedType)) {
    throw failed(`${show(actual)} is not an instance of ${expectedType.name}`, message);
  }
}

/** The reverse of `assertInstanceOf`. */
export function assertNotInstanceOf(
  actual: unknown,
  unexpectedType: ErrorClass,
  message?: string,
): void {
  if (actual instanceof unexpectedType) {
    throw failed(`${show(actual)} is an instance of ${unexpectedType.name}`, message);
  }
}

/** Everything that `expected` names is in `actual` with an equal value, at any depth. */
export function assertObjectMatch(
  actual: Record<PropertyKey, unknown>,
  expected: Record<PropertyKey, unknown>,
  message?: string,
): void {
  if (!covers(actual, expected)) {
    throw failed(`${show(actual)} does not match ${show(expected)}`, message);
  }
}

function covers(actual: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && expected.every((item, i) => covers(actual[i], item));
  }
  if (!isPlain(expected)) return equal(actual, expected);
  if (typeof actual !== "object" || actual === null) return false;
  return Reflect.ownKeys(expected).every((key) =>
    key in actual && covers(Reflect.get(actual, key), expected[key])
  );
}

function isPlain(value: unknown): value is Record<PropertyKey, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** actual > expected. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  if (!(actual > expected)) throw failed(`${show(actual)} is not over ${show(expected)}`, message);
}

/** actual >= expected. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual >= expected)) throw failed(`${show(actual)} is below ${show(expected)}`, message);
}

/** actual < expected. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  if (!(actual < expected)) throw failed(`${show(actual)} is not below ${show(expected)}`, message);
}

/** actual <= expected. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual <= expected)) throw failed(`${show(actual)} is over ${show(expected)}`, message);
}

/** Fails unless `error` is of the class and its message holds the text. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  errorClass?: ErrorClass<E>,
  messageIncludes?: string | RegExp,
  message?: string,
): asserts error is E {
  if (!(error instanceof Error)) throw failed(`${show(error)} is not an Error`, message);
  if (errorClass !== undefined && !(error instanceof errorClass)) {
    throw failed(`${error.name} (${error.message}) is not a ${errorClass.name}`, message);
  }
  const text = error.message;
  const found = messageIncludes === undefined ||
    (typeof messageIncludes === "string"
      ? text.includes(messageIncludes)
      : messageIncludes.test(text));
  if (!found) throw failed(`${show(text)} does not hold ${show(messageIncludes)}`, message);
}

/** What the call throws; fails where it does not, or where it is another error. */
export function assertThrows(fn: () => unknown, message?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  errorClassOrMessage?: ErrorClass<Error> | string,
  messageIncludes?: string,
  message?: string,
): unknown {
  const text = typeof errorClassOrMessage === "string" ? errorClassOrMessage : message;
  try {
    fn();
  } catch (error) {
    if (typeof errorClassOrMessage === "function") {
      assertIsError(error, errorClassOrMessage, messageIncludes, text);
    }
    return error;
  }
  throw failed("the call was expected to throw", text);
}

/** What the promise rejects with; fails where it does not, or where it is another error. */
export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: ErrorClass<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  errorClassOrMessage?: ErrorClass<Error> | string,
  messageIncludes?: string,
  message?: string,
): Promise<unknown> {
  const text = typeof errorClassOrMessage === "string" ? errorClassOrMessage : message;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    throw failed(`the call threw instead of rejecting: ${show(error)}`, text);
  }
  try {
    await promise;
  } catch (error) {
    if (typeof errorClassOrMessage === "function") {
      assertIsError(error, errorClassOrMessage, messageIncludes, text);
    }
    return error;
  }
  throw failed("the promise was expected to reject", text);
}

/** Fails. */
export function fail(message?: string): never {
  throw failed("failed", message);
}

/** Marks what no run may reach. */
export function unreachable(reason?: string): never {
  throw failed("unreachable", reason);
}

/** Marks what is not written yet. */
export function unimplemented(reason?: string): never {
  throw failed("unimplemented", reason);
}
