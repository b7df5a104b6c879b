import { assert, assertArrayIncludes, assertEquals, assertObjectMatch } from "./assert.ts";
import { AssertionError, assertRejects, assertStringIncludes, assertThrows } from "./assert.ts";
import { parseArgs } from "./cli.ts";
import { crypto, timingSafeEqual } from "./crypto.ts";
import { assertSpyCalls, FakeTime, spy, stub } from "./testing.ts";

Deno.test("assertions pass on what holds and fail on what does not", async () => {
  const fails = (fn: () => void) => void assertThrows(fn, AssertionError);
  assertEquals({ a: [1, new Uint8Array([2])] }, { a: [1, new Uint8Array([2])] });
  fails(() => assertEquals<unknown>({ a: 1 }, { a: "1" }));
  assertObjectMatch({ a: { b: 1, c: 2 }, d: [{ e: 1, f: 2 }] }, { a: { b: 1 }, d: [{ e: 1 }] });
  fails(() => assertObjectMatch({ a: { b: 1 } }, { a: { b: 2 } }));
  assertArrayIncludes([1, { a: 1 }], [{ a: 1 }]);
  fails(() => assertArrayIncludes([1], [2]));
  fails(() => assertStringIncludes("abc", "x"));
  const error = assertThrows(() => JSON.parse("{"), SyntaxError);
  assert(error instanceof SyntaxError);
  fails(() => assertThrows(() => 1));
  fails(() => assertThrows(() => JSON.parse("{"), TypeError));
  await assertRejects(() => Promise.reject(new TypeError("no")), TypeError, "no");
  await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError);
});

Deno.test("parseArgs follows minimist", () => {
  const options = {
    boolean: ["v", "color"],
    string: ["name"],
    collect: ["tag"],
    negatable: ["color"],
    alias: { v: "verbose" },
    default: { port: 80, color: true },
  };
  const args = [
    "-v",
    "a",
    "--name",
    "007",
    "--tag=x",
    "--tag",
    "y",
    "--no-color",
    "-n5",
    "--",
    "-z",
  ];
  assertEquals(parseArgs(args, options), {
    _: ["a", "-z"],
    v: true,
    verbose: true,
    name: "007",
    tag: ["x", "y"],
    color: false,
    n: 5,
    port: 80,
  });
  assertEquals(parseArgs(["-abc", "x", "--", "y"], { "--": true }), {
    _: [],
    a: true,
    b: true,
    c: "x",
    "--": ["y"],
  });
  assertEquals(parseArgs(["--x", "cmd", "--y"], { boolean: ["x"], stopEarly: true }), {
    _: ["cmd", "--y"],
    x: true,
  });
  assertEquals(parseArgs(["--bad", "-1"], { unknown: () => false })._, []);
});

Deno.test("digests and comparison", async () => {
  const abc = new TextEncoder().encode("abc");
  const sum = new Uint8Array(
    await crypto.subtle.digest("SHA-256", [abc.slice(0, 1), abc.slice(1)]),
  );
  assertStringIncludes(sum.toHex(), "ba7816bf8f01cfea");
  assertEquals(crypto.subtle.digestSync("SHA3-256", abc).byteLength, 32);
  assert(timingSafeEqual(abc, abc.slice()) && !timingSafeEqual(abc, abc.slice(1)));
});

Deno.test("fake time moves on request and runs timers in order", async () => {
  const before = Date;
  {
    using time = new FakeTime(1000);
    const ran: string[] = [];
    setTimeout(() => ran.push(`late ${Date.now()}`), 50);
    setTimeout(() => ran.push(`soon ${new Date().getTime()}`), 10);
    const id = setInterval(() => ran.push("tick"), 20);
    time.tick(45);
    assertEquals(ran, ["soon 1010", "tick", "tick"]);
    clearInterval(id);
    await time.tickAsync(5);
    assertEquals(ran.at(-1), "late 1050");
    assert(!time.next());
    assert(new Date(5) instanceof Date);
  }
  assertEquals(Date, before);
});

Deno.test("spies count, stubs are undone", () => {
  const add = spy((a: number, b: number) => a + b);
  assertEquals(add(1, 2), 3);
  assertSpyCalls(add, 1);
  const target = { greet: (name: string) => `hello ${name}` };
  {
    using stubbed = stub(target, "greet", () => "no");
    assertEquals(target.greet("you"), "no");
    assertEquals(stubbed.calls[0]?.args, ["you"]);
  }
  assertEquals(target.greet("you"), "hello you");
});
