import { assertEquals, assertThrows } from "@std/assert";
import { testRandom } from "../crypto/testing.ts";
import { UnknownFormatError } from "../raft/formats.ts";
import { decodeKeyring, encodeKeyring, type KeyringRecord, wipeKeyring } from "./keyring.ts";
import { DEFAULT_ROTATION, MIN_INTERVAL_MS } from "./rotation.ts";

function keyring(seed: number, count: number): KeyringRecord {
  const random = testRandom(seed);
  const terms = Array.from({ length: count }, (_, i) => ({
    term: i * 3 + 1,
    installTime: 1_700_000_000_000 + i,
    key: random.bytes(32),
  }));
  const rotation = { enabled: seed % 2 === 0, maxOperations: 1e6, intervalMs: MIN_INTERVAL_MS };
  return { rotation: seed === 1 ? DEFAULT_ROTATION : rotation, terms };
}

Deno.test("a keyring comes back as it was stored", () => {
  for (let seed = 1; seed < 20; seed++) {
    const record = keyring(seed, seed);
    assertEquals(decodeKeyring(encodeKeyring(record)), record);
  }
});

Deno.test("anything else is a SyntaxError, never a keyring that differs in length", () => {
  const bytes = encodeKeyring(keyring(3, 4));
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeKeyring(bytes.slice(0, length)), SyntaxError);
  }
  const random = testRandom(8);
  for (let round = 0; round < 500; round++) {
    const noise = random.bytes(round);
    if (round > 0) noise[0] = Math.min(1, noise[0] ?? 0);
    assertThrows(() => decodeKeyring(noise), SyntaxError);
  }
  const descending = keyring(4, 2);
  const terms = descending.terms.toReversed();
  assertThrows(() => decodeKeyring(encodeKeyring({ ...descending, terms })), SyntaxError);
});

Deno.test("wiping a keyring leaves no key", () => {
  const record = keyring(5, 3);
  wipeKeyring(record);
  for (const { key } of record.terms) assertEquals(key, new Uint8Array(32));
});

Deno.test("a keyring of a later version is told from one that is damaged", () => {
  const bytes = encodeKeyring(keyring(1, 1));
  bytes[0] = 2;
  assertThrows(() => decodeKeyring(bytes), UnknownFormatError, "format 2");
});
