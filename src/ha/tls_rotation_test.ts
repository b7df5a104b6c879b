import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { systemClock, systemRandom } from "../base/clock.ts";
import { utf8 } from "../base/bytes.ts";
import { type LogFields, type Logger, silentLogger } from "../base/log.ts";
import { ManualClock } from "../core/testing/kit.ts";
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
import { nextStep, TlsRotation } from "./tls_rotation.ts";

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

Deno.test("a member that stays away while a change is due is named after a while, until it is back", async () => {
  const clock = new ManualClock();
  const told: LogFields[] = [];
  const log: Logger = { ...silentLogger, warn: (_, fields = {}) => told.push(fields) };
  const minute = 60_000;
  let away: readonly string[] = [];
  const stored = Promise.withResolvers<void>();
  let keyring = await makeKeyring(clock, systemRandom);
  const rotation = new TlsRotation({
    clock,
    random: systemRandom,
    log,
    times: { everyMs: 30 * minute, overlapMs: 10 * minute },
    isActive: () => true,
    keyring: () => keyring,
    store: (next) => {
      keyring = next;
      stored.resolve();
      return Promise.resolve();
    },
    lastIndex: () => 7,
    behind: () => away,
    unready: () => [],
    mayUse: () => Promise.resolve(true),
  });
  rotation.start();
  away = ["n3"];
  await clock.advance(20 * minute);
  assertEquals([rotation.waitsFor, told.length], [[], 0], "nothing is due");
  await clock.advance(15 * minute);
  assertEquals([rotation.waitsFor, told.length], [[], 0], "it may just be restarted");
  await clock.advance(10 * minute);
  assertEquals([rotation.waitsFor, told], [["n3"], [{ members: "n3", minutes: 10 }]]);
  await clock.advance(70 * minute);
  assertEquals(told.length, 2, "once an hour");
  away = [];
  await clock.advance(minute);
  await stored.promise;
  assertEquals([rotation.waitsFor, keyring.keys.length], [[], 2], "the change goes on");
  rotation.stop();
});
