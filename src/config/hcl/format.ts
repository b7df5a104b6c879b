import { type Element, readTree, type Tree, type Value } from "./format_tree.ts";
import { parseHcl } from "./parse.ts";

/**
 * Formats native HCL: two spaces of indentation, aligned equals signs in runs of lines, one blank
 * line between blocks. Comments, the spelling of values and single blank lines stay. JSON is
 * returned as it is.
 *
 * @throws HclError
 */
export function formatHcl(text: string): string {
  parseHcl(text);
  if (/^\uFEFF?\s*\{/.test(text)) return text;
  const { items, rest } = readTree(text);
  const lines = printItems(items, rest, "");
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

interface Printed {
  readonly item: Tree;
  readonly lines: readonly string[];
}

function printItems(items: readonly Tree[], rest: readonly string[], indent: string): string[] {
  const printed = items.map((item) => ({ item, lines: printValue(item.value, indent) }));
  const out: string[] = [];
  for (let i = 0; i < printed.length;) {
    const run = runAt(printed, i);
    const first = run[0];
    if (first === undefined) break;
    separate(out, first, printed[i - 1]);
    printAbove(out, first.item.above, indent);
    printRun(out, run, indent);
    i += run.length;
  }
  const comments = rest.slice(0, rest.findLastIndex((line) => line !== "") + 1);
  if (comments[0] === "" && out.length > 0) out.push("");
  printAbove(out, comments, indent);
  return out;
}

/** Attributes of one line each that follow one another: their equals signs are aligned. */
function runAt(printed: readonly Printed[], start: number): Printed[] {
  const run: Printed[] = [];
  for (const one of printed.slice(start)) {
    const inRun = one.item.attribute && one.lines.length === 1;
    if (run.length > 0 && (!inRun || one.item.above.length > 0)) break;
    run.push(one);
    if (!inRun) break;
  }
  return run;
}

function separate(out: string[], next: Printed, before: Printed | undefined): void {
  if (before === undefined) return;
  const single = ({ item, lines }: Printed) => item.attribute && lines.length === 1;
  if (next.item.above[0] === "" || !single(before) || !single(next)) out.push("");
}

/** Comments; a blank line at the start has been dealt with. */
function printAbove(out: string[], above: readonly string[], indent: string): void {
  above.forEach((comment, i) => {
    if (comment !== "") out.push(`${indent}${comment}`);
    else if (i > 0) out.push("");
  });
}

function printRun(out: string[], run: readonly Printed[], indent: string): void {
  const width = Math.max(...run.map(({ item }) => item.head.length));
  const rows = run.map(({ item, lines }) => {
    const head = item.attribute ? `${item.head.padEnd(width)} = ` : `${item.head} `;
    return { behind: item.behind, lines: [`${indent}${head}${lines[0] ?? ""}`, ...lines.slice(1)] };
  });
  const widest = Math.max(...rows.map(({ lines }) => lines.length > 1 ? 0 : lines[0]?.length ?? 0));
  for (const { behind, lines } of rows) {
    out.push(...lines.slice(0, -1));
    const last = lines.at(-1) ?? "";
    out.push(behind === "" ? last : `${last.padEnd(widest)} ${behind}`);
  }
}

/** The lines of a value. The first one goes behind the equals sign, the others are complete. */
function printValue(value: Value, indent: string): string[] {
  const inner = `${indent}  `;
  if (value.kind === "raw") return value.raw.split("\n");
  if (value.kind === "object") {
    if (value.items.length === 0 && value.rest.every((line) => line === "")) return ["{}"];
    return ["{", ...printItems(value.items, value.rest, inner), `${indent}}`];
  }
  const plain = value.items.every((element) => isPlain(element, inner));
  if (!value.open && plain && value.rest.length === 0) {
    return [`[${value.items.map((element) => printValue(element.value, inner)[0]).join(", ")}]`];
  }
  const out = ["["];
  for (const element of value.items) {
    printAbove(out, element.above.filter((line) => line !== ""), inner);
    const lines = printValue(element.value, inner);
    const behind = element.behind === "" ? "" : ` ${element.behind}`;
    const heredoc = lines[0]?.startsWith("<<") === true;
    const closed = heredoc ? [...lines, `${inner},${behind}`] : withLast(lines, `,${behind}`);
    out.push(`${inner}${closed[0] ?? ""}`, ...closed.slice(1));
  }
  printAbove(out, value.rest, inner);
  return [...out, `${indent}]`];
}

/** Fits on the line of its list. */
function isPlain(element: Element, indent: string): boolean {
  return element.behind === "" && element.above.every((line) => line === "") &&
    printValue(element.value, indent).length === 1;
}

function withLast(lines: readonly string[], suffix: string): string[] {
  return [...lines.slice(0, -1), `${lines.at(-1) ?? ""}${suffix}`];
}
