/**
 * DER (ITU-T X.690): as much of it as certificates need. Own code, since @peculiar/asn1-* takes 2 ms to
 * write a certificate and 1 ms to read one, and certificates are made by the thousand.
 */
import { type Bytes, concat, fromUtf8, utf8 } from "../base/bytes.ts";

/** The bytes are not the DER that was expected. */
export class DerError extends Error {
  override name = "DerError";
}

/** Tags of universal types. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8: 0x0c,
  printable: 0x13,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** An element of this tag, its contents in parts. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const head = [tag];
  if (length < 0x80) head.push(length);
  else {
    const octets: number[] = [];
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
    head.push(0x80 | octets.length, ...octets);
  }
  return concat(new Uint8Array(head), ...parts);
}

/** A SEQUENCE. */
export function sequence(...parts: readonly Uint8Array[]): Bytes {
  return element(TAG.sequence, ...parts);
}

/** A SET OF, in the order that DER wants. */
export function setOf(parts: readonly Bytes[]): Bytes {
  const sorted = parts.toSorted((a, b) => {
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
  });
  return element(TAG.set, ...sorted);
}

/** An INTEGER that is not negative, of a number or of its big-endian bytes. */
export function integer(value: number | bigint | Uint8Array): Bytes {
  let bytes = value instanceof Uint8Array ? value : bigEndian(BigInt(value));
  while (bytes.length > 1 && bytes[0] === 0 && (bytes[1] ?? 0) < 0x80) bytes = bytes.subarray(1);
  const isHigh = (bytes[0] ?? 0) >= 0x80;
  return isHigh ? element(TAG.integer, new Uint8Array(1), bytes) : element(TAG.integer, bytes);
}

function bigEndian(value: bigint): Bytes {
  const hex = value.toString(16);
  return Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}

export const TRUE: Bytes = element(TAG.boolean, new Uint8Array([0xff]));
export const NULL: Bytes = element(TAG.null);

const oids = new Map<string, Bytes>();

/** Whether a text is an object identifier in dots. */
export function isOid(text: string): boolean {
  if (!/^[0-2](\.(0|[1-9][0-9]{0,17}))+$/.test(text)) return false;
  const [first = 0, second = 0] = text.split(".").map(Number);
  return first === 2 || second < 40;
}

/** An OBJECT IDENTIFIER. Throws `DerError` for a text that is none. */
export function oid(text: string): Bytes {
  const known = oids.get(text);
  if (known !== undefined) return known;
  if (!isOid(text)) throw new DerError("not an object identifier");
  const [first = 0n, second = 0n, ...rest] = text.split(".").map(BigInt);
  const bytes = [first * 40n + second, ...rest].flatMap((arc) => {
    const out = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) out.unshift(Number(left & 0x7fn) | 0x80);
    return out;
  });
  const made = element(TAG.oid, new Uint8Array(bytes));
  if (oids.size < 1000) oids.set(text, made);
  return made;
}

/** An OCTET STRING. */
export function octets(...parts: readonly Uint8Array[]): Bytes {
  return element(TAG.octets, ...parts);
}

/** A BIT STRING; `unused` bits at its end do not count. */
export function bits(bytes: Uint8Array, unused = 0): Bytes {
  return element(TAG.bits, new Uint8Array([unused]), bytes);
}

/** A text: PrintableString where its letters allow, else UTF8String. */
export function text(value: string): Bytes {
  const tag = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value) ? TAG.printable : TAG.utf8;
  return element(tag, utf8(value));
}

/** An explicit context tag around something. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Bytes {
  return element(0xa0 | number, ...parts);
}

/** An implicit context tag with primitive contents. */
export function implicit(number: number, ...parts: readonly Uint8Array[]): Bytes {
  return element(0x80 | number, ...parts);
}

/** A time of RFC 5280: UTCTime before 2050, then GeneralizedTime. `ms` since the epoch. */
export function time(ms: number): Bytes {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  const year = Number(digits.slice(0, 4));
  return year >= 1950 && year < 2050
    ? element(TAG.utcTime, utf8(digits.slice(2)))
    : element(TAG.generalizedTime, utf8(digits));
}

/** A GeneralizedTime. `ms` since the epoch. */
export function generalizedTime(ms: number): Bytes {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  return element(TAG.generalizedTime, utf8(digits));
}

/** One element that was read; its bytes are slices of what it was read from. */
export class DerValue {
  constructor(
    readonly tag: number,
    /** Head and contents. */
    readonly whole: Bytes,
    /** The contents. */
    readonly body: Bytes,
  ) {}

  /** The elements within. Throws `DerError`. */
  items(): DerValue[] {
    const found: DerValue[] = [];
    for (let at = 0; at < this.body.length;) {
      const next = readAt(this.body, at);
      found.push(next);
      at += next.whole.length;
    }
    return found;
  }

  /** Itself. Throws `DerError` where its tag is another. */
  as(tag: number): DerValue {
    if (this.tag !== tag) throw new DerError(`tag ${tag} was expected, not ${this.tag}`);
    return this;
  }

  /** An OBJECT IDENTIFIER in dots. */
  oid(): string {
    this.as(TAG.oid);
    const arcs: bigint[] = [];
    let arc = 0n;
    for (const byte of this.body) {
      arc = arc << 7n | BigInt(byte & 0x7f);
      if (byte < 0x80) {
        arcs.push(arc);
        arc = 0n;
      }
    }
    const [first = 0n, ...rest] = arcs;
    if (arcs.length === 0 || (this.body.at(-1) ?? 0) >= 0x80 || this.body.length > 128) {
      throw new DerError("not an object identifier");
    }
    const top = first < 80n ? first / 40n : 2n;
    return [top, first - top * 40n, ...rest].join(".");
  }

  /** An INTEGER that is not negative, its bytes without leading zeros. */
  unsigned(): Bytes {
    this.as(TAG.integer);
    if (this.body.length === 0 || (this.body[0] ?? 0) >= 0x80) {
      throw new DerError("a number that is not negative was expected");
    }
    let start = 0;
    while (start < this.body.length - 1 && this.body[start] === 0) start++;
    return this.body.slice(start);
  }

  /** A small INTEGER. */
  number(): number {
    const bytes = this.unsigned();
    if (bytes.length > 6) throw new DerError("the number is too large");
    return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  }

  boolean(): boolean {
    return this.as(TAG.boolean).body[0] !== 0;
  }

  /** Bits of a BIT STRING that ends with a whole byte. */
  bitBytes(): Bytes {
    this.as(TAG.bits);
    if (this.body.length === 0) throw new DerError("a bit string is too short");
    return this.body.subarray(1);
  }

  /** Any of the texts that names are made of. */
  text(): string {
    if (this.tag === 0x1e) return utf16(this.body);
    try {
      return fromUtf8(this.body);
    } catch {
      return Array.from(this.body, (byte) => String.fromCharCode(byte)).join("");
    }
  }

  /** UTCTime or GeneralizedTime, milliseconds since the epoch. */
  time(): number {
    const given = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(this.text());
    const [, year = "", ...rest] = given ?? [];
    const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
    const isLong = this.tag === TAG.generalizedTime;
    if (given === null || year.length !== (isLong ? 4 : 2)) throw new DerError("not a time");
    const full = isLong ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
    const at = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
    at.setUTCFullYear(full);
    if (month < 1 || month > 12 || day < 1 || day > 31) throw new DerError("not a time");
    return at.getTime();
  }
}

function utf16(body: Uint8Array): string {
  let out = "";
  for (let i = 0; i + 1 < body.length; i += 2) {
    out += String.fromCharCode((body[i] ?? 0) << 8 | (body[i + 1] ?? 0));
  }
  return out;
}

/** The one element that the bytes are. Throws `DerError`. */
export function readDer(bytes: Bytes): DerValue {
  const value = readAt(bytes, 0);
  if (value.whole.length !== bytes.length) throw new DerError("there are bytes after the end");
  return value;
}

function readAt(bytes: Bytes, start: number): DerValue {
  const tag = bytes[start];
  const first = bytes[start + 1];
  if (tag === undefined || first === undefined) throw new DerError("the bytes end too early");
  if ((tag & 0x1f) === 0x1f) throw new DerError("tags of several bytes are not known here");
  let length = first;
  let at = start + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new DerError("the length of an element is malformed");
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? 0);
    if (length < 0x80) throw new DerError("the length of an element is not DER's");
  }
  if (at + length > bytes.length) throw new DerError("the bytes end too early");
  return new DerValue(tag, bytes.subarray(start, at + length), bytes.subarray(at, at + length));
}
