import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { systemClock, systemRandom } from "../base/clock.ts";
import { utf8 } from "../base/bytes.ts";
import { UnknownFormatError } from "../raft/formats.ts";
import {
  decodeKeyring,
  encodeKeyring,
  madeAt,
  makeKeyring,
  makeTlsKey,
  type TlsKeyring,
  tlsOf,
} from "./tls_keyring.ts";
import { nextStep } from "./tls_rotation.ts";

const first = await makeKeyring(systemClock, systemRandom);
const second = await makeTlsKey(first.serverName, 1, systemClock, systemRandom);
const both: TlsKeyring = { ...first, keys: [...first.keys, second], serial: 1 };
const times = { everyMs: 1000, overlapMs: 100 };

Deno.test("a key is made when one is due, shown when all have it, dropped when all show the new", () => {
  const [key] = first.keys;
  assert(key !== undefined);
  const made = madeAt(key);
  assert(Math.abs(made - Date.now()) < 60_000);
  const later = made + 1000;
  assertEquals(nextStep(first, times, later - 1, 500), undefined);
  assertEquals(nextStep(first, times, later, 500), "make");
  assertEquals(nextStep(first, { ...times, everyMs: 0 }, later, 500), undefined, "never");
  assertEquals(nextStep(first, times, later, undefined), undefined, "somebody lacks the keyring");
  assertEquals(nextStep(both, times, later, undefined), undefined, "somebody lacks the new one");
  assertEquals(nextStep(both, times, later, 99), undefined, "the overlap");
  assertEquals(nextStep(both, times, later, 100), "show");
  assertEquals(nextStep({ ...both, current: 1 }, times, later, 99), undefined);
  assertEquals(nextStep({ ...both, current: 1 }, times, later, 100), "drop");
  // A change that has begun is ended, whatever the settings.
  assertEquals(nextStep(both, { ...times, everyMs: 0 }, later, 100), "show");
});

Deno.test("a keyring of two keys accepts both and shows the current one", () => {
  const shown = tlsOf({ ...both, current: 1 });
  assertEquals(shown.certificate, second.certificate);
  assertEquals(shown.trusted.length, 2);
  assertEquals(shown.serverName, tlsOf(first).serverName);
  assertNotEquals(shown.certificate, tlsOf(both).certificate);
});

Deno.test("keyrings come out as they went in; one that was never changed as earlier versions read it", () => {
  for (const keyring of [first, both, { ...both, current: 1, serial: 2 }]) {
    assertEquals(decodeKeyring(encodeKeyring(keyring)), keyring);
  }
  const plain = JSON.parse(new TextDecoder().decode(encodeKeyring(first)));
  assertEquals(Object.keys(plain).sort(), ["certificate", "key", "server_name", "version"]);
  assertEquals(plain.version, 1);
  const future = utf8(JSON.stringify({ ...plain, version: 3 }));
  assertThrows(() => decodeKeyring(future), UnknownFormatError, "format 3");
  for (const text of ["{}", "[]", '{"version":1}', '{"version":2,"server_name":"x","keys":[]}']) {
    assertThrows(() => decodeKeyring(utf8(text)), Error, "the cluster's TLS keyring");
  }
});
