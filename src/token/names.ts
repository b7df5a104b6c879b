/**
 * The names under which tokens and accessors are kept: keyed hashes, so that storage tells neither.
 *
 * The name of one that was made here begins with the time that its text begins with. Tokens that are
 * made together mostly end together; so named, their rows lie together as well, and a thousand that
 * come or go touch some dozen leaves of the state file and not a thousand. One whose text somebody
 * chose, or that is older than this form, has its hash alone for a name.
 */
import { toHex, utf8 } from "../base/bytes.ts";
import type { HmacKey } from "../crypto/provider.ts";
import { servicePrefix, timeOfText } from "./text.ts";

/** No hex digit, so that a name of one form is never one of the other. */
const timedMark = "t";
const nameLength = 64;
/** Characters of tokens, after their prefix, and of accessors. */
export const textLength = 24;

/** Names of tokens that came lately: the same ones come again and again. */
const rememberedMax = 4096;
/** No text that we made is longer, a secret ID with its mount included. */
const longestRemembered = 128;

/** Where a token may be found, likelier names first. */
export type Names = readonly [string] | readonly [timed: string, plain: string];

export class TokenNames {
  readonly #salt: HmacKey;
  readonly #hashes = new Map<string, string>();
  readonly #names = new Map<string, Names>();

  constructor(salt: HmacKey) {
    this.#salt = salt;
  }

  close(): void {
    this.#hashes.clear();
    this.#names.clear();
    this.#salt.destroy();
  }

  /** The keyed hash of any text. */
  hash(text: string): string {
    return remembered(this.#hashes, text, (text) => this.hashOnce(text));
  }

  /** The same of a text that is hardly ever asked for again: it pushes out nothing remembered. */
  hashOnce(text: string): string {
    return toHex(this.#salt.sign(utf8(text)));
  }

  /** Where a token may be. */
  of(token: string): Names {
    return remembered(this.#names, token, (token) => {
      const isOurs = token.length === servicePrefix.length + textLength &&
        token.startsWith(servicePrefix);
      const time = isOurs ? timeOfText(token.slice(servicePrefix.length)) : undefined;
      return names(this.hashOnce(token), time);
    });
  }

  /** Where an accessor may be. */
  ofAccessor(accessor: string): Names {
    const isOurs = accessor.length === textLength;
    return names(this.hashOnce(accessor), isOurs ? timeOfText(accessor) : undefined);
  }

  /** Where the accessor of the token with the name `id` is: they are of one form. */
  accessorOf(id: string, accessor: string): string {
    const [first, plain = first] = this.ofAccessor(accessor);
    return id.startsWith(timedMark) ? first : plain;
  }
}

function names(plain: string, time: string | undefined): Names {
  return time === undefined ? [plain] : [(timedMark + time + plain).slice(0, nameLength), plain];
}

function remembered<T>(known: Map<string, T>, text: string, make: (text: string) => T): T {
  const found = known.get(text);
  if (found !== undefined) return found;
  const made = make(text);
  if (known.size >= rememberedMax) known.clear();
  if (text.length <= longestRemembered) known.set(text, made);
  return made;
}
