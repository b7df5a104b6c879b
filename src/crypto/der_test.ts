/** DER: what is written is read again, and what is broken is refused. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  bits,
  DerError,
  DerValue,
  integer,
  isOid,
  octets,
  oid,
  readDer,
  sequence,
  setOf,
  TAG,
  text,
  time,
} from "./der.ts";
import { testRandom } from "./testing.ts";

Deno.test("numbers are as short as DER wants", () => {
  assertEquals(integer(0).toHex(), "020100");
  assertEquals(integer(127).toHex(), "02017f");
  assertEquals(integer(128).toHex(), "02020080");
  assertEquals(integer(256n).toHex(), "02020100");
  assertEquals(integer(new Uint8Array([0, 0, 1])).toHex(), "020101");
});

Deno.test("object identifiers come back as they were", () => {
  for (
    const name of ["1.2.840.113549.1.1.11", "2.5.29.17", "2.999.1", "0.9.2342.19200300.100.1.1"]
  ) {
    assertEquals(readDer(oid(name)).oid(), name);
  }
  for (const name of ["", "1", "3.1", "1.40", "1.2.", "1.02", "a.b", "1..2"]) {
    assertEquals(isOid(name), false, name);
    assertThrows(() => oid(name), DerError);
  }
});

Deno.test("times come back to the second, before and after 2050", () => {
  for (const iso of ["1999-12-31T23:59:59Z", "2026-11-27T00:00:00Z", "2049-12-31T23:59:59Z"]) {
    const der = readDer(time(Date.parse(iso)));
    assertEquals(der.tag, TAG.utcTime);
    assertEquals(der.time(), Date.parse(iso));
  }
  const late = readDer(time(Date.parse("2050-01-01T00:00:00Z")));
  assertEquals(late.tag, TAG.generalizedTime);
  assertEquals(late.time(), Date.parse("2050-01-01T00:00:00Z"));
});

Deno.test("long contents have long lengths", () => {
  for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
    const body = new Uint8Array(length).fill(7);
    assertEquals(readDer(octets(body)).body, body);
  }
});

Deno.test("a set is in order whatever order it is given in", () => {
  const parts = [text("b"), text("a"), text("aa")];
  assertEquals(setOf(parts), setOf(parts.toReversed()));
});

Deno.test("bytes that are cut, longer or altered are read or refused, never more", () => {
  const good = sequence(
    integer(5),
    sequence(oid("1.2.3"), octets(new Uint8Array(300))),
    bits(integer(1)),
  );
  const walk = (value: DerValue): number =>
    value.tag === TAG.sequence ? value.items().reduce((sum, item) => sum + walk(item), 1) : 1;
  assertEquals(walk(readDer(good)), 6);
  const random = testRandom(3);
  for (let i = 0; i < good.length; i++) assertThrows(() => readDer(good.slice(0, i)), DerError);
  for (let i = 0; i < 2000; i++) {
    const [at = 0, value = 0] = random.bytes(2);
    const bent = good.slice();
    bent[at % good.length] = value;
    try {
      assert(walk(readDer(bent)) < 400);
    } catch (error) {
      assert(error instanceof DerError, String(error));
    }
  }
});
