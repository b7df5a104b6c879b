/** A diagnosis as text, JSON or YAML. */
import { stringify } from "yaml";
import type { Check, Status } from "./check.ts";

const words: Readonly<Record<Status, string>> = {
  ok: "success",
  warn: "warning",
  fail: "failure",
  skipped: "skipped",
};
const colours: Readonly<Record<Status, number>> = { ok: 32, warn: 33, fail: 31, skipped: 90 };

/** For people; `debug` shows also what is well in all its parts. */
export function asText(check: Check, colour: boolean, depth = 0): string {
  const indent = "  ".repeat(depth);
  const paint = (code: number, text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  const { status, name, message, advice, children } = check;
  const warnings = check.warnings ?? [];
  const single = message ?? (warnings.length === 1 ? warnings[0] : undefined);
  const mark = paint(colours[status], `[ ${words[status]} ]`);
  const lines = [`${indent}${mark} ${name}${single === undefined ? "" : `: ${single}`}`];
  if (message !== undefined || warnings.length > 1) {
    for (const warning of warnings) {
      lines.push(`${indent}  ${paint(colours.warn, `[ ${words.warn} ]`)} ${warning}`);
    }
  }
  if (advice !== undefined && advice !== "") lines.push(`${indent}    ${paint(35, advice)}`);
  for (const child of children) lines.push(asText(child, colour, depth + 1).trimEnd());
  return `${lines.join("\n")}\n`;
}

export function asJson(check: Check): string {
  return `${JSON.stringify(plain(check), null, 2)}\n`;
}

export function asYaml(check: Check): string {
  return stringify(plain(check));
}

/** The shape that other tools of this kind print. */
function plain({ time, name, status, message, warnings, advice, children }: Check): object {
  return {
    time,
    name,
    status,
    ...(message === undefined ? {} : { message }),
    ...(warnings === undefined || warnings.length === 0 ? {} : { warnings }),
    Advice: advice ?? "",
    ...(children.length === 0 ? {} : { children: children.map(plain) }),
  };
}
