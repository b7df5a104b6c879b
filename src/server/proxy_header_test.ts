import { assert, assertEquals } from "@std/assert";
import { isIP } from "node:net";
import { type Bytes, concat, fromHex, utf8 } from "../base/bytes.ts";
import { seeded } from "../raft/testing.ts";
import { PROXY_HEADER_MAX, readProxyHeader } from "./proxy_header.ts";

const magic = fromHex("0d0a0d0a000d0a515549540a") ?? new Uint8Array();

function binary(kind: number, family: number, rest: number[], length = rest.length): Bytes {
  return concat(magic, new Uint8Array([kind, family, length >> 8, length & 255, ...rest]));
}

const four = [10, 1, 2, 3, 10, 9, 9, 9, 0x1f, 0x90, 0x00, 0x50];
const six = [
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0x01, 0xbb, 0, 80],
];

Deno.test("headers of both versions tell the client, and where its own bytes begin", () => {
  const good: [Uint8Array, string, number][] = [
    [utf8("PROXY TCP4 10.1.2.3 10.9.9.9 8080 80\r\n"), "10.1.2.3", 8080],
    [utf8("PROXY TCP6 2001:DB8::1 ::1 443 80\r\n"), "2001:db8::1", 443],
    [binary(0x21, 0x11, four), "10.1.2.3", 8080],
    [binary(0x21, 0x21, six), "2001:db8::1", 443],
    // What else a sender may say follows the addresses.
    [binary(0x21, 0x11, [...four, 4, 0, 1, 0]), "10.1.2.3", 8080],
  ];
  for (const [bytes, address, port] of good) {
    const whole = concat(bytes, utf8("GET / HTTP/1.1"));
    const told = { is: "header", bytes: bytes.length, client: { address, port } } as const;
    assertEquals(readProxyHeader(whole), told);
    for (let cut = 0; cut < bytes.length; cut++) {
      assertEquals(readProxyHeader(whole.subarray(0, cut)).is, "unfinished", `${address} ${cut}`);
    }
  }
});

Deno.test("who speaks for itself, or does not know, names nobody", () => {
  const own = [
    utf8("PROXY UNKNOWN\r\n"),
    utf8("PROXY UNKNOWN ffff::1 whatever 1 2\r\n"),
    binary(0x20, 0x00, []),
    binary(0x20, 0x11, four),
    binary(0x21, 0x00, []),
    binary(0x21, 0x31, Array.from({ length: 216 }, () => 0)),
    binary(0x21, 0x12, four),
  ];
  for (const bytes of own) {
    assertEquals(readProxyHeader(bytes), { is: "header", bytes: bytes.length, client: undefined });
  }
});

Deno.test("what begins otherwise is no header, as soon as that shows", () => {
  for (const text of ["GET / HTTP/1.1\r\n", "PUT /", "PR0XY ", "\x16\x03\x01", "\r\n\r\nx"]) {
    assertEquals(readProxyHeader(utf8(text)).is, "absent", text);
  }
  for (const text of ["", "P", "PRO", "\r\n\r\n"]) {
    assertEquals(readProxyHeader(utf8(text)).is, "unfinished", text);
  }
});

Deno.test("what begins like a header and is none is malformed", () => {
  const bad = [
    "PROXY TCP4 10.1.2.3 10.9.9.9 8080 80\n",
    "PROXY TCP4 10.1.2.3 10.9.9.9 8080\r\n",
    "PROXY TCP4 10.1.2.3 10.9.9.9 8080 80 \r\n",
    "PROXY TCP4 10.1.2.3 10.9.9.9 08080 80\r\n",
    "PROXY TCP4 10.1.2.3 10.9.9.9 65536 80\r\n",
    "PROXY TCP4 10.1.2.3  8080 80\r\n",
    "PROXY TCP4 ::1 ::1 1 2\r\n",
    "PROXY TCP4 10.1.2.256 10.9.9.9 1 2\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "PROXY UDP4 10.1.2.3 10.9.9.9 1 2\r\n",
    "PROXY \r\n",
    `PROXY ${"x".repeat(101)}`,
    `PROXY UNKNOWN ${"x".repeat(100)}\r\n`,
  ].map(utf8);
  bad.push(
    binary(0x11, 0x11, four),
    binary(0x22, 0x11, four),
    binary(0x21, 0x11, four.slice(1)),
    binary(0x21, 0x21, four),
    binary(0x21, 0x11, four, 60_000),
  );
  for (const bytes of bad) {
    assertEquals(readProxyHeader(bytes).is, "malformed", new TextDecoder().decode(bytes));
  }
});

Deno.test("whatever comes, the verdict is one, does not change with what follows, and is bounded", () => {
  const draw = seeded(20261127);
  const starts = [utf8("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), utf8("PROXY TCP6 "), magic];
  starts.push(binary(0x21, 0x11, four), binary(0x21, 0x21, six), new Uint8Array());
  const seen = new Set<string>();
  for (let round = 0; round < 50_000; round++) {
    const start = (starts[draw(starts.length)] ?? magic).slice();
    for (let flips = draw(3); flips > 0 && start.length > 0; flips--) {
      start[draw(start.length)] = draw(256);
    }
    const tail = Uint8Array.from({ length: draw(60) }, () => draw(256));
    const bytes = concat(start.subarray(0, draw(start.length + 1)), tail);
    const verdict = readProxyHeader(bytes);
    seen.add(verdict.is);
    if (verdict.is === "header") {
      assert(verdict.bytes <= bytes.length && verdict.bytes <= PROXY_HEADER_MAX);
      const { client } = verdict;
      if (client !== undefined) assert(isIP(client.address) > 0 && client.port < 65536);
    }
    if (verdict.is === "unfinished") assert(bytes.length < PROXY_HEADER_MAX);
    else assertEquals(readProxyHeader(concat(bytes, tail)), verdict);
  }
  assertEquals(seen.size, 4);
});
