/** The tree of commands. A command's module is loaded when the command runs, not before. */
import type { Command } from "./command.ts";

export interface Leaf {
  readonly name: string;
  /** Less than a line: what the command does. */
  readonly summary: string;
  load(): Promise<Command>;
}

export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly about?: string;
  readonly examples?: readonly (readonly [string, string])[];
  readonly children: readonly Node[];
}

export type Node = Leaf | Group;

/** A command that is loaded when it runs. */
export const leaf = (name: string, summary: string, load: () => Promise<Command>): Leaf => ({
  name,
  summary,
  load,
});

/** Commands under one word. */
export const group = (
  name: string,
  summary: string,
  about: string,
  children: readonly Node[],
): Group => ({ name, summary, about, children });

export function isGroup(node: Node): node is Group {
  return "children" in node;
}

/** The child of that name. */
export function child(group: Group, name: string): Node | undefined {
  return group.children.find((node) => node.name === name);
}

/** Follows words into the tree; `rest` begins at the first word that names no child. */
export function find(
  root: Group,
  words: readonly string[],
): { path: string[]; node: Node; rest: readonly string[] } {
  let node: Node = root;
  const path: string[] = [];
  for (const word of words) {
    const next: Node | undefined = isGroup(node) ? child(node, word) : undefined;
    if (next === undefined) break;
    node = next;
    path.push(word);
  }
  return { path, node, rest: words.slice(path.length) };
}

/** Every command of the tree with its full name. */
export function* leaves(group: Group, path: readonly string[] = []): Generator<[string, Leaf]> {
  for (const node of group.children) {
    const full = [...path, node.name];
    if (isGroup(node)) yield* leaves(node, full);
    else yield [full.join(" "), node];
  }
}
