/** Pages of the runbook, and the commands in them. */

const folder = new URL("../../systemd/runbook/", import.meta.url);

export interface Block {
  /** The machine it is for; the first one unless the fence says `sh node-2`. */
  readonly machine: number;
  readonly script: string;
  /** Of its first line in the page. */
  readonly line: number;
}

export async function pageNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.filter((name) => name.endsWith(".md") && name !== "README.md").sort();
}

/** Every fenced `sh` block of a page, in order. */
export async function blocksOf(page: string): Promise<Block[]> {
  const lines = (await Deno.readTextFile(new URL(page, folder))).split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^```(\S*) ?(.*)$/.exec(lines[i] ?? "");
    if (fence === null) continue;
    const [, language = "", info = ""] = fence;
    const end = lines.indexOf("```", i + 1);
    if (end < 0) throw new Error(`${page}:${i + 1}: the block has no end`);
    if (language !== "sh") throw new Error(`${page}:${i + 1}: only sh blocks are tested`);
    const machine = Number(/^node-(\d)$/.exec(info)?.[1] ?? 1);
    blocks.push({ machine, script: lines.slice(i + 1, end).join("\n"), line: i + 2 });
    i = end;
  }
  return blocks;
}
