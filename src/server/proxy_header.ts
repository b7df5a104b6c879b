/**
 * The PROXY protocol's header, versions 1 and 2: what a load balancer says before a connection's
 * own bytes of whom it stands for (haproxy.org/download/2.9/doc/proxy-protocol.txt). Pure: bytes as
 * far as they have come in, a verdict out.
 */
import { isIPv4, isIPv6 } from "node:net";

export interface ProxiedClient {
  readonly address: string;
  readonly port: number;
}

export type ProxyVerdict =
  /** It could be a header still: more bytes are needed. */
  | { readonly is: "unfinished" }
  /** The connection begins with something else. */
  | { readonly is: "absent" }
  /** It begins like one and is none. */
  | { readonly is: "malformed"; readonly reason: string }
  /** `bytes` long. Without a client where the sender speaks for itself, or does not know. */
  | { readonly is: "header"; readonly bytes: number; readonly client: ProxiedClient | undefined };

const START_1 = new TextEncoder().encode("PROXY ");
const START_2 = new Uint8Array([13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]);
/** The longest line of version 1, its end included. */
const LINE_MAX = 107;
const HEAD_2 = 16;
/** Addresses and what may follow them in version 2; the protocol would allow 64 KiB. */
const REST_MAX = 4096;
/** No header is longer. */
export const PROXY_HEADER_MAX = HEAD_2 + REST_MAX;

const UNFINISHED: ProxyVerdict = { is: "unfinished" };

/** Judges the first bytes of a connection. */
export function readProxyHeader(bytes: Uint8Array): ProxyVerdict {
  if (beginsLike(bytes, START_1)) {
    return bytes.length < START_1.length ? UNFINISHED : readLine(bytes);
  }
  if (beginsLike(bytes, START_2)) {
    return bytes.length < HEAD_2 ? UNFINISHED : readBinary(bytes);
  }
  return { is: "absent" };
}

function beginsLike(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== start[i]) return false;
  return true;
}

function malformed(reason: string): ProxyVerdict {
  return { is: "malformed", reason };
}

/** `PROXY TCP4 source destination sourceport destinationport`, and CR LF. */
function readLine(bytes: Uint8Array): ProxyVerdict {
  const end = bytes.indexOf(10);
  if (end < 0) return bytes.length < LINE_MAX ? UNFINISHED : malformed("the line does not end");
  if (end >= LINE_MAX || bytes[end - 1] !== 13) return malformed("the line ends wrongly");
  const line = String.fromCharCode(...bytes.subarray(START_1.length, end - 1));
  const client = clientOf(line);
  if (typeof client === "string") return malformed(client);
  return { is: "header", bytes: end + 1, client };
}

function clientOf(line: string): ProxiedClient | undefined | string {
  const [family, source = "", destination = "", port = "", otherPort = "", ...more] = line.split(
    " ",
  );
  if (family === "UNKNOWN") return undefined;
  const fits = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  if (fits === undefined) return "the family is none that is known";
  // A zone would be of the sender's machine.
  if (!fits(source) || !fits(destination) || source.includes("%")) return "an address is none";
  if (!isPort(port) || !isPort(otherPort) || more.length > 0) return "a port is none";
  return { address: source.toLowerCase(), port: Number(port) };
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535;
}

/** Twelve bytes that are no text, version and command, family, u16 length, addresses. */
function readBinary(bytes: Uint8Array): ProxyVerdict {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = view.getUint8(12), family = view.getUint8(13), length = view.getUint16(14);
  if (kind >> 4 !== 2) return malformed("the version is not 2");
  const command = kind & 15;
  if (command > 1) return malformed("the command is none that is known");
  if (length > REST_MAX) return malformed("it is too long");
  const total = HEAD_2 + length;
  if (bytes.length < total) return UNFINISHED;
  // A check of the sender's own, or a connection of a kind that has no such address.
  const isTcp = family === 0x11 || family === 0x21;
  if (command === 0 || !isTcp) return { is: "header", bytes: total, client: undefined };
  const size = family === 0x11 ? 4 : 16;
  if (length < 2 * size + 4) return malformed("the addresses are cut short");
  const address = addressText(bytes.subarray(HEAD_2, HEAD_2 + size));
  const port = view.getUint16(HEAD_2 + 2 * size);
  return { is: "header", bytes: total, client: { address, port } };
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const words: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    words.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  }
  return new URL(`http://[${words.join(":")}]`).hostname.slice(1, -1);
}
