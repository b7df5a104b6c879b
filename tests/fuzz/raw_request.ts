/** Requests as bytes on the wire, from nearly right to garbage. */
import { target } from "./paths.ts";
import type { Dice } from "./random.ts";
import { brokenBody, nastyObject } from "./values.ts";

/** What is sent on one connection. */
export interface RawRequest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Something is missing, so that no answer need come: the connection is closed soon. */
  readonly isPartial: boolean;
}

const methods = [
  "GET",
  "GET",
  "POST",
  "POST",
  "PUT",
  "DELETE",
  "LIST",
  "PATCH",
  "SCAN",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "get",
  "G\u00cbT",
  "X".repeat(200),
  "",
] as const satisfies readonly [string, ...string[]];

const headers = [
  "X-Vault-Namespace: ../x",
  "X-Vault-Namespace: a/b/c",
  "X-Vault-Wrap-TTL: -1",
  "X-Vault-Wrap-TTL: 99999999999999h",
  "X-Vault-Wrap-TTL: banana",
  "X-Vault-Wrap-Format: jwt",
  "X-Vault-Policy-Override: maybe",
  "X-Vault-Index: AAAA",
  "X-Vault-Inconsistent: forward-active-node",
  "X-Vault-No-Request-Forwarding: 1",
  "X-Vault-MFA: a:b:c",
  "Authorization: Bearer",
  "Authorization: Bearer hvs.x",
  "Authorization: Basic AAAA",
  "X-Vault-Token: hvb.AAAAAAAAAAAAAAAA",
  `X-Vault-Token: ${"t".repeat(9000)}`,
  "X-Vault-Token: \u00ff\u00fe",
  "Content-Type: application/merge-patch+json",
  "Content-Type: text/html; charset=\u00e4",
  "Content-Encoding: gzip",
  "Accept-Encoding: gzip, br;q=0",
  "Expect: 100-continue",
  "Expect: nonsense",
  "Upgrade: websocket\r\nConnection: Upgrade",
  "Upgrade: h2c\r\nHTTP2-Settings: AAAA",
  "Range: bytes=0-1",
  "If-Modified-Since: never",
  "If-None-Match: *",
  "Origin: https://evil.example",
  "Access-Control-Request-Method: GET",
  "X-Forwarded-For: 1.2.3.4, banana",
  "Host: second.example",
  "Cookie: a=b",
  ": empty",
  "no colon",
  " folded: value",
  "A: b\r\n folded",
  "Na me: x",
  "Nul: \0",
  `Long: ${"v".repeat(20_000)}`,
  Array.from({ length: 120 }, (_, i) => `H${i}: v`).join("\r\n"),
  "Content-Length: 5",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Content-Length: 0x10",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: chunked\r\nContent-Length: 3",
  "TE: trailers",
] as const satisfies readonly [string, ...string[]];

const fields = [
  "data",
  "options",
  "cas",
  "type",
  "path",
  "paths",
  "policy",
  "policies",
  "ttl",
  "token",
  "accessor",
  "versions",
  "key",
  "nonce",
  "input",
  "from",
  "to",
  "config",
  "description",
  "lease_id",
  "increment",
  "secret_shares",
  "secret_threshold",
  "pgp_keys",
  "meta",
  "num_uses",
  "period",
  "max_versions",
  "custom_metadata",
  "password",
] as const;

function chunked(body: Uint8Array, dice: Dice): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const size = dice.chance(0.2) ? dice.pick(["zz", "-1", "ffffffffffffffff", ""]) : undefined;
  const head = encoder.encode(`${size ?? body.length.toString(16)}\r\n`);
  const tail = encoder.encode(dice.chance(0.1) ? "0\r\n" : "\r\n0\r\n\r\n");
  return join(head, body, tail);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Text as the bytes of its characters: a header's octets, not UTF-8. */
function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => (character.codePointAt(0) ?? 63) & 255);
}

/** One connection's worth. `token` is good, and given to half of them. */
export function rawRequest(dice: Dice, token: string): RawRequest {
  const kind = dice.below(30);
  if (kind === 0) return { bytes: dice.bytes(1 + dice.below(3000)), isPartial: true };
  if (kind === 1) return { bytes: foreignProtocol(dice), isPartial: true };
  const request = nearlyHttp(dice, token);
  if (kind === 2) {
    const bytes = request.bytes.slice(0, dice.below(request.bytes.length));
    return { bytes, isPartial: true };
  }
  if (kind === 3) {
    const second = nearlyHttp(dice, token);
    return {
      bytes: join(request.bytes, second.bytes),
      isPartial: request.isPartial || second.isPartial,
    };
  }
  if (kind === 4) {
    const bytes = request.bytes.slice();
    for (let times = 0; times < 3; times++) bytes[dice.below(bytes.length)] = dice.below(256);
    return { bytes, isPartial: true };
  }
  return request;
}

function foreignProtocol(dice: Dice): Uint8Array<ArrayBuffer> {
  const texts = [
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    "SSH-2.0-OpenSSH_9.0\r\n",
    "*1\r\n$4\r\nPING\r\n",
    "GET /\r\n",
    "\r\n\r\n\r\n",
    "\0".repeat(1000),
    "HTTP/1.1 200 OK\r\n\r\n",
  ] as const satisfies readonly [string, ...string[]];
  return octets(dice.pick(texts));
}

function nearlyHttp(dice: Dice, token: string): RawRequest {
  const lines = [
    `${dice.pick(methods)} ${target(dice)} HTTP/${dice.chance(0.05) ? "9.9" : "1.1"}`,
    ...(dice.chance(0.97) ? ["Host: 127.0.0.1"] : []),
    ...(dice.chance(0.5) ? [`X-Vault-Token: ${token}`] : []),
    ...(dice.chance(0.9) ? ["Connection: close"] : []),
  ];
  const odd = Array.from({ length: dice.below(3) }, () => dice.pick(headers));
  lines.push(...odd);
  const framing = odd.some((line) => /^(content-length|transfer-encoding|expect)/i.test(line));
  const body = requestBody(dice);
  const head = (extra: string) => octets(`${[...lines, extra].join("\r\n")}\r\n\r\n`);
  if (body === undefined) return { bytes: head("A: b"), isPartial: framing };
  const form = dice.below(10);
  if (form === 0) {
    return {
      bytes: join(head("Transfer-Encoding: chunked"), chunked(body, dice)),
      isPartial: true,
    };
  }
  if (form === 1) {
    const length = body.length + dice.below(2000);
    return { bytes: join(head(`Content-Length: ${length}`), body), isPartial: true };
  }
  return { bytes: join(head(`Content-Length: ${body.length}`), body), isPartial: framing };
}

function requestBody(dice: Dice): Uint8Array<ArrayBuffer> | undefined {
  const kind = dice.below(4);
  if (kind === 0) return undefined;
  if (kind === 1) return brokenBody(dice);
  return new TextEncoder().encode(nastyObject(dice, fields));
}
