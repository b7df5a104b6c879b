/** What is used of `@std/testing`, which only JSR carries: `FakeTime`, `describe`, spies, stubs. */
import { AssertionError } from "./assert.ts";

export { FakeTime } from "./fake_time.ts";
export { after, afterEach, before, beforeEach, describe, it } from "node:test";

/** One call of a spy. */
export interface SpyCall<Args extends unknown[], Return> {
  args: Args;
  returned?: Return;
  error?: unknown;
}

/** A function that keeps account of its calls. */
export interface Spy<Args extends unknown[], Return> {
  (...args: Args): Return;
  readonly calls: SpyCall<Args, Return>[];
}

/** A method that was replaced; `restore` puts the old one back. */
export interface Stub<Args extends unknown[], Return> extends Spy<Args, Return> {
  isRestored(): boolean;
  restore(): void;
  [Symbol.dispose](): void;
}

/** Wraps a function, or makes one that does nothing. */
export function spy(): Spy<unknown[], undefined>;
export function spy<Args extends unknown[], Return>(
  fn: (...args: Args) => Return,
): Spy<Args, Return>;
export function spy(fn: (...args: unknown[]) => unknown = () => undefined) {
  const calls: SpyCall<unknown[], unknown>[] = [];
  const spied = (...args: unknown[]) => {
    const call: SpyCall<unknown[], unknown> = { args };
    calls.push(call);
    try {
      return call.returned = fn(...args);
    } catch (error) {
      call.error = error;
      throw error;
    }
  };
  return Object.assign(spied, { calls });
}

/** Replaces a method of an object, by default with one that does nothing. */
export function stub<Self extends object>(
  self: Self,
  property: keyof Self,
  fn: (...args: unknown[]) => unknown = () => undefined,
): Stub<unknown[], unknown> {
  const own = Object.getOwnPropertyDescriptor(self, property);
  const spied = spy(fn);
  let restored = false;
  Object.defineProperty(self, property, { value: spied, configurable: true, writable: true });
  const restore = () => {
    if (restored) throw new TypeError("restored already");
    restored = true;
    if (own === undefined) Reflect.deleteProperty(self, property);
    else Object.defineProperty(self, property, own);
  };
  return Object.assign(spied, {
    restore,
    isRestored: () => restored,
    [Symbol.dispose]: () => void (restored || restore()),
  });
}

/** Fails unless the spy was called so often. */
export function assertSpyCalls<Args extends unknown[], Return>(
  spied: Spy<Args, Return>,
  expected: number,
): void {
  if (spied.calls.length !== expected) {
    throw new AssertionError(`${expected} calls were expected, not ${spied.calls.length}`);
  }
}
