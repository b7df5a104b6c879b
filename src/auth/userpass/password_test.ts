/** What is kept of a password tells whether another one is the same, and nothing else. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { assertAlike, testRandom } from "../../crypto/testing.ts";
import { rootNamespace } from "../../logical/namespace.ts";
import type { Request } from "../../logical/request.ts";
import { isForeign, Passwords, readForeignHash } from "./password.ts";

const random = testRandom(7);
const cheap = { logN: 4, r: 8, p: 1 };

function request(): Request {
  return {
    id: "",
    operation: "update",
    namespace: rootNamespace,
    path: "",
    data: {},
    headers: { get: () => null },
    clientToken: "",
    connection: { remoteAddress: "", remotePort: 0 },
    method: "POST",
  };
}

Deno.test("a password matches its own hash only, whatever is in it", async () => {
  const passwords = new Passwords(() => random, cheap);
  for (let i = 0; i < 50; i++) {
    const password = random.bytes(1 + i * 3).toBase64();
    const hash = await passwords.hash(request(), password);
    assertMatch(hash, /^\$scrypt\$ln=4,r=8,p=1\$/);
    assert(await passwords.verify(request(), password, hash));
    assert(!await passwords.verify(request(), `${password} `, hash));
    assert(!await passwords.verify(request(), password.slice(1), hash));
  }
});

Deno.test("the same password has another hash each time", async () => {
  const passwords = new Passwords(() => random, cheap);
  const hashes = [];
  for (let i = 0; i < 5; i++) hashes.push(await passwords.hash(request(), "one"));
  assertEquals(new Set(hashes).size, 5);
});

Deno.test("without a hash nothing matches, and it is not quicker", async () => {
  const passwords = new Passwords(() => random, { logN: 13, r: 8, p: 1 });
  const hash = await passwords.hash(request(), "known");
  const time = async (against: string | undefined) => {
    const start = performance.now();
    assert(!await passwords.verify(request(), "guess", against));
    return performance.now() - start;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 7; i++) {
    known.push(await time(hash));
    unknown.push(await time(undefined));
  }
  const least = (times: number[]) => Math.min(...times);
  assert(least(unknown) > least(known) / 3, "an unknown user takes as long");
  assert(!await passwords.verify(request(), "no user has this", undefined));
});

Deno.test("a request that is handled again does not hash again", async () => {
  const passwords = new Passwords(() => random, cheap);
  const one = request();
  assertEquals(await passwords.hash(one, "x"), await passwords.hash(one, "x"));
});

Deno.test("only bcrypt hashes that can be checked in reasonable time are taken", () => {
  const body = "If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i";
  for (const version of ["2a", "2b", "2y"]) {
    assert(isForeign(readForeignHash(`$${version}$10$${body}`)));
  }
  for (const bad of ["junk", `$2a$31$${body}`, `$2a$10$${body.slice(1)}`, `$1$10$${body}`]) {
    assertThrows(() => readForeignHash(bad));
  }
});

Deno.test("a wrong password takes as long for nobody, for somebody, and nearly right", async () => {
  const passwords = new Passwords(() => random, { logN: 12, r: 8, p: 1 });
  const right = "correct horse battery staple";
  const hash = await passwords.hash(request(), right);
  const guess = async (password: string, against: string | undefined) => {
    assert(!await passwords.verify(request(), password, against));
  };
  await assertAlike(() => guess("wrong", hash), () => guess("wrong", undefined), 21);
  await assertAlike(() => guess(`${right.slice(0, -1)}!`, hash), () => guess("wrong", hash), 21);
});
