import { assertEquals, assertThrows } from "@std/assert";
import { silentLogger } from "../base/log.ts";
import { chooseProvider } from "./choose.ts";
import { openOpensslProvider } from "./openssl.ts";
import { portableProvider } from "./portable.ts";
import type { CryptoProvider } from "./provider.ts";
import { selfTest, SelfTestError } from "./selftest.ts";

Deno.test("every provider passes its self-test", () => {
  selfTest(portableProvider());
  const openssl = openOpensslProvider();
  if (openssl !== undefined) selfTest(openssl);
});

Deno.test("OpenSSL is preferred where it can be loaded", () => {
  const expected = openOpensslProvider()?.name ?? "portable";
  assertEquals(chooseProvider(silentLogger).name, expected);
});

Deno.test("a provider with one wrong answer is refused, and the primitive is named", () => {
  const good = portableProvider();
  const broken: readonly [string, Partial<CryptoProvider>][] = [
    ["SHA-1", { hash: (name, data) => good.hash(name, data).reverse() }],
    ["HKDF-SHA-256", { hkdf: () => new Uint8Array(42) }],
    ["HMAC-SHA-256", { hmacKey: (name) => good.hmacKey(name, new Uint8Array(3)) }],
    ["AES-256-GCM", { gcmKey: (key) => good.gcmKey(key.toReversed()) }],
    ["comparison", { equal: () => true }],
  ];
  for (const [primitive, part] of broken) {
    const error = assertThrows(() => selfTest({ ...good, ...part }), SelfTestError);
    assertEquals(error.message, `portable: the self-test of ${primitive} failed`);
  }
});

Deno.test("a provider that accepts altered messages is refused", () => {
  const good = portableProvider();
  const careless: CryptoProvider = {
    ...good,
    gcmKey(key) {
      const real = good.gcmKey(key);
      let last: Uint8Array<ArrayBuffer> = new Uint8Array();
      return {
        nonceLength: real.nonceLength,
        seal: (n, p, d) => real.seal(n, p, d),
        open(n, s, d) {
          try {
            last = real.open(n, s, d);
          } catch {
            return last;
          }
          return last;
        },
        sealFrame: (f, a, p, d, l) => real.sealFrame(f, a, p, d, l),
        openFrame: (f, a, d, l) => real.openFrame(f, a, d, l),
        destroy: () => real.destroy(),
      };
    },
  };
  assertThrows(() => selfTest(careless), SelfTestError, "accepted an altered message");
});
