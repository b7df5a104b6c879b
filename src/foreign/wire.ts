/** Protobuf messages by their field numbers: enough for what is stored, without a schema compiler. */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Bytes, fromUtf8 } from "../base/bytes.ts";
import { UnreadableError } from "./unreadable.ts";

/** A decoded message. Accessors answer the type's zero where a field is missing. */
export class Message {
  readonly #numbers = new Map<number, number>();
  readonly #parts = new Map<number, Bytes[]>();

  /** Throws `UnreadableError` where the bytes are no message. */
  constructor(bytes: Uint8Array) {
    try {
      const reader = new BinaryReader(bytes);
      while (reader.pos < reader.len) this.#read(reader);
    } catch (error) {
      throw new UnreadableError("it is no protobuf message", { cause: error });
    }
  }

  #read(reader: BinaryReader): void {
    const [field, type] = reader.tag();
    if (type === WireType.Varint) this.#numbers.set(field, Number(reader.int64()));
    else if (type === WireType.LengthDelimited) {
      const parts = this.#parts.get(field) ?? [];
      parts.push(new Uint8Array(reader.bytes()));
      this.#parts.set(field, parts);
    } else reader.skip(type, field);
  }

  number(field: number): number {
    return this.#numbers.get(field) ?? 0;
  }

  flag(field: number): boolean {
    return this.number(field) !== 0;
  }

  bytes(field: number): Bytes {
    return this.#parts.get(field)?.at(-1) ?? new Uint8Array(0);
  }

  text(field: number): string {
    return textOf(this.bytes(field));
  }

  texts(field: number): string[] {
    return (this.#parts.get(field) ?? []).map(textOf);
  }

  /** Undefined where the field is missing. */
  message(field: number): Message | undefined {
    const part = this.#parts.get(field)?.at(-1);
    return part === undefined ? undefined : new Message(part);
  }

  messages(field: number): Message[] {
    return (this.#parts.get(field) ?? []).map((part) => new Message(part));
  }

  /** A map of texts. */
  pairs(field: number): Record<string, string> {
    return Object.fromEntries(this.messages(field).map((pair) => [pair.text(1), pair.text(2)]));
  }

  /** A google.protobuf.Timestamp in milliseconds since the epoch; 0 where it is missing. */
  time(field: number): number {
    const time = this.message(field);
    return time === undefined ? 0 : time.number(1) * 1000 + Math.floor(time.number(2) / 1e6);
  }

  /** A google.protobuf.Duration in whole seconds. */
  seconds(field: number): number {
    return this.message(field)?.number(1) ?? 0;
  }
}

function textOf(bytes: Bytes): string {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    throw new UnreadableError("a text in it is no UTF-8", { cause: error });
  }
}
