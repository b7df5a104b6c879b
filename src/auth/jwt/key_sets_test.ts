/** Key sets are read when they must be, and not when a stranger wishes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../base/failure.ts";
import { ManualClock } from "../../core/testing/kit.ts";
import type { JsonValue } from "../../logical/json.ts";
import { KeySets, type KeySource } from "./key_sets.ts";

const source: KeySource = { url: "https://issuer/keys", caPem: "", discovery: false };
const key = { kty: "EC", crv: "P-256", x: "x", y: "y", kid: "a" };

function world(pages: Record<string, JsonValue>) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const sets = new KeySets((url) => {
    asked.push(url);
    const page = pages[url];
    return page === undefined ? Promise.reject(new Failure(400, "none")) : Promise.resolve(page);
  }, () => clock);
  return { clock, asked, sets };
}

Deno.test("a set is read once for many logins, and again after a while", async () => {
  const { clock, asked, sets } = world({ [source.url]: { keys: [key] } });
  for (let i = 0; i < 20; i++) await sets.get(source, () => true);
  assertEquals(asked.length, 1);
  await clock.advance(10 * 60_000);
  await sets.get(source, () => true);
  assertEquals(asked.length, 2);
});

Deno.test("unknown keys make it be read again, within limits", async () => {
  const { clock, asked, sets } = world({ [source.url]: { keys: [key] } });
  for (let i = 0; i < 200; i++) await sets.get(source, () => false);
  assert(asked.length <= 11, `${asked.length} reads`);
  const before = asked.length;
  await clock.advance(5_000);
  for (let i = 0; i < 200; i++) await sets.get(source, () => false);
  assertEquals(asked.length - before, 5, "one a second");
});

Deno.test("who asks at the same time waits for one read", async () => {
  const { asked, sets } = world({ [source.url]: { keys: [key] } });
  await Promise.all(Array.from({ length: 50 }, () => sets.get(source, () => true)));
  assertEquals(asked.length, 1);
});

Deno.test("discovery must be of the issuer that was asked", async () => {
  const discovery = { url: "https://issuer/", caPem: "", discovery: true };
  const page = "https://issuer/.well-known/openid-configuration";
  const keys = { "https://issuer/keys": { keys: [key] } };
  const good = world({ ...keys, [page]: { issuer: "https://issuer", jwks_uri: source.url } });
  const known = await good.sets.get(discovery, () => true);
  assertEquals([known.provider?.issuer, known.keys.length], ["https://issuer", 1]);
  for (const issuer of ["https://evil", 5]) {
    const bad = world({ ...keys, [page]: { issuer, jwks_uri: source.url } });
    await assertRejects(() => bad.sets.get(discovery, () => true), Failure);
  }
});

Deno.test("encryption keys, secret keys and junk are no keys of a set", async () => {
  const members = [key, { ...key, use: "enc" }, { kty: "oct", k: "c2VjcmV0" }, 5, { kty: "RSA" }];
  const { sets } = world({ [source.url]: { keys: members } });
  assertEquals((await sets.get(source, () => true)).keys.length, 1);
});

Deno.test("a source that fails is asked again, and what was known serves on", async () => {
  const pages: Record<string, JsonValue> = {};
  const { sets } = world(pages);
  await assertRejects(() => sets.get(source, () => true), Failure);
  pages[source.url] = { keys: [key] };
  assertEquals((await sets.get(source, () => true)).keys.length, 1);
});
