/** Names of the users that the engine makes. */
import { type Bytes, toHex, utf8 } from "../../base/bytes.ts";
import type { Clock, Random } from "../../base/clock.ts";
import { badRequest } from "../../base/failure.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import { randomBase62 } from "../../base/base62.ts";
import { renderTemplate, type TemplateFunction, type TemplateValue } from "./template.ts";

type Sha256 = (bytes: Bytes) => Bytes;

export interface NameSource {
  readonly clock: Clock;
  readonly random: Random;
  readonly sha256: Sha256;
}

export interface NameFields {
  readonly DisplayName: string;
  readonly RoleName: string;
}

function number(value: TemplateValue | undefined): number {
  if (typeof value !== "number" || value < 0 || value > 10_000) {
    throw badRequest("the template needs a number here");
  }
  return value;
}

function first(args: readonly TemplateValue[]): string {
  if (args.length !== 1) throw badRequest("the template has a function with a wrong argument");
  return String(args[0]);
}

/** `%s`, `%d`, `%v` in turn; `%%` is a percent sign. */
function printf([format = "", ...args]: readonly TemplateValue[]): string {
  let at = 0;
  const text = String(format).replace(/%([sdv%])/g, (_whole, verb: string) => {
    if (verb === "%") return "%";
    const value = args[at++];
    if (value === undefined) throw badRequest("the template's printf lacks an argument");
    return String(value);
  });
  if (at < args.length) throw badRequest("the template's printf has an argument too many");
  return text;
}

/** Cut to the length, its end replaced by a hash of what was cut. */
function truncateHashed(sha256: Sha256, length: number, text: string): string {
  const hashLength = 8;
  if (length <= hashLength) throw badRequest("truncate_sha256 needs a length over 8");
  if (text.length <= length) return text;
  const at = length - hashLength;
  return text.slice(0, at) + toHex(sha256(utf8(text.slice(at)))).slice(0, hashLength);
}

function functions({ clock, random, sha256 }: NameSource): Record<string, TemplateFunction> {
  return {
    printf,
    random: ([length]) => randomBase62(random, number(length)),
    truncate: ([length, text]) => String(text ?? "").slice(0, number(length)),
    truncate_sha256: ([length, text]) => truncateHashed(sha256, number(length), String(text ?? "")),
    uppercase: (args) => first(args).toUpperCase(),
    lowercase: (args) => first(args).toLowerCase(),
    replace: ([find = "", by = "", text = ""]) => String(text).replaceAll(String(find), String(by)),
    sha256: (args) => toHex(sha256(utf8(first(args)))),
    base64: (args) => utf8(first(args)).toBase64(),
    unix_time: () => Math.floor(clock.now() / 1000),
    unix_time_millis: () => clock.now(),
    timestamp: () => rfc3339(clock.now()),
    uuid: () => random.uuid(),
  };
}

/**
 * A new user's name. Signs with which it could leave the quotes of a statement are left out: a
 * display name comes from outside.
 */
export function makeUsername(template: string, source: NameSource, fields: NameFields): string {
  const rendered = renderTemplate(template, {
    fields: { ...fields },
    functions: functions(source),
  });
  const name = rendered.replace(/["'`;\\\p{Cc}]/gu, "");
  if (name === "") throw badRequest("username_template makes an empty name");
  return name;
}
