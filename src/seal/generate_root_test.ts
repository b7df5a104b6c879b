import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { type Bytes, fromBase64, utf8 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import { GenerateRoot } from "./generate_root.ts";
import { newPgpPair, unsealedNode } from "./test_kit.ts";

const TOKEN = "hvs.abcdefghijklmnopqrstuvwx";

async function generator() {
  const node = await unsealedNode({ secretShares: 3, secretThreshold: 2 });
  let made = 0;
  const strategy = {
    tokenLength: TOKEN.length,
    createToken() {
      made++;
      return Promise.resolve(TOKEN);
    },
  };
  const generate = new GenerateRoot({ ...node, holders: node.unsealKey, strategy });
  return { node, generate, tokensMade: () => made };
}

function decode(encoded: string, otp: string): string {
  assert(!encoded.endsWith("="));
  const bytes: Bytes = Uint8Array.fromBase64(encoded);
  const password = utf8(otp);
  return new TextDecoder().decode(bytes.map((byte, i) => byte ^ (password[i] ?? 0)));
}

Deno.test("a quorum gets a token that only the password opens", async () => {
  const { node, generate, tokensMade } = await generator();
  const [a = "", b = ""] = node.keys;
  const started = await generate.init();
  assertMatch(started.otp, /^[A-Za-z0-9]{28}$/);
  assertEquals([started.started, started.otpLength, started.required], [true, 28, 2]);
  assertEquals((await generate.status()).otp, "", "the password is told once");
  const { nonce } = started;
  const halfway = await generate.update({ key: a, nonce });
  assertEquals([halfway.progress, halfway.complete, halfway.encodedToken], [1, false, ""]);
  const done = await generate.update({ key: b, nonce });
  assertEquals([done.progress, done.complete, done.nonce], [2, true, nonce]);
  assertEquals(decode(done.encodedToken, started.otp), TOKEN);
  assertEquals(tokensMade(), 1);
  assertEquals((await generate.status()).started, false);
  await assertRejects(() => generate.update({ key: a, nonce }), Failure, "no root generation");
});

Deno.test("the caller's own password or PGP key works too", async () => {
  const { node, generate } = await generator();
  const [a = "", b = ""] = node.keys;
  const otp = "p".repeat(28);
  const first = await generate.init({ otp });
  assertEquals(first.otp, "");
  await generate.update({ key: a, nonce: first.nonce });
  const done = await generate.update({ key: b, nonce: first.nonce });
  assertEquals(decode(done.encodedToken, otp), TOKEN);
  const holder = await newPgpPair(node.clock.now());
  const second = await generate.init({ pgpKey: holder.publicKey });
  assertEquals([second.pgpFingerprint, second.otp], [holder.fingerprint, ""]);
  await generate.update({ key: a, nonce: second.nonce });
  const { encodedToken } = await generate.update({ key: b, nonce: second.nonce });
  assertEquals(await holder.decrypt(fromBase64(encodedToken) ?? new Uint8Array()), TOKEN);
});

Deno.test("wrong shares make no token and start the attempt again", async () => {
  const { node, generate, tokensMade } = await generator();
  const [a = "", b = ""] = node.keys;
  const { nonce } = await generate.init();
  await generate.update({ key: a, nonce });
  await assertRejects(
    () => generate.update({ key: "00".repeat(33), nonce }),
    Failure,
    "root generation aborted: unable to authenticate: invalid key",
  );
  const status = await generate.status();
  assertEquals([status.started, status.nonce, status.progress], [true, nonce, 0]);
  assertEquals(tokensMade(), 0);
  await generate.update({ key: a, nonce });
  assert((await generate.update({ key: b, nonce })).complete);
});

Deno.test("what can't be is refused with a 400", async () => {
  const { node, generate } = await generator();
  const [a = ""] = node.keys;
  const fails = async (act: () => Promise<unknown>, sentence: string) => {
    assertEquals((await assertRejects(act, Failure, sentence)).status, 400);
  };
  await fails(() => generate.init({ otp: "short" }), "OTP string has incorrect length");
  await fails(() => generate.init({ pgpKey: "junk" }), "error parsing PGP key");
  const { nonce } = await generate.init();
  await fails(() => generate.init(), "already in progress");
  await fails(() => generate.update({ key: a, nonce: "x" }), `"${nonce}"`);
  await fails(() => generate.update({ key: "!!", nonce }), "valid hex or base64");
  await fails(() => generate.update({ key: "abcd", nonce }), "shorter than minimum");
  await generate.update({ key: a, nonce });
  await fails(() => generate.update({ key: a, nonce }), "already been provided");
  generate.cancel();
  generate.cancel();
  assertEquals((await generate.status()).started, false);
  assertNotEquals((await generate.init()).nonce, nonce);
});
