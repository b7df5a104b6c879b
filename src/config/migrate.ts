/** The file of `operator migrate`: where data come from and where they go. */
import type { HclItem } from "./hcl/ast.ts";
import { HclError } from "./hcl/error.ts";
import { parseHcl } from "./hcl/parse.ts";
import { readBlocks } from "./hcl/query.ts";
import { formatNote, Notes } from "./note.ts";
import type { Env } from "./read_stanza.ts";
import type { ConfigSource } from "./server.ts";
import { readStorage } from "./server_stanzas.ts";
import type { StorageConfig } from "./server_types.ts";

export interface MigrateConfig {
  readonly source: StorageConfig | undefined;
  readonly destination: StorageConfig | undefined;
  /** For raft as a destination, whose first member has it. */
  readonly clusterAddress: string;
  /** `file:line:column: message`; the rest is not to be used where there is one. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

const stanzas = { storage_source: "source", storage_destination: "destination" } as const;

function isStanza(name: string): name is keyof typeof stanzas {
  return Object.hasOwn(stanzas, name);
}

/** Never throws for what the text says. */
export function readMigrateConfig({ name: file, text }: ConfigSource, env: Env): MigrateConfig {
  const notes = new Notes();
  const found: { source?: StorageConfig; destination?: StorageConfig } = {};
  let clusterAddress = "";
  for (const item of itemsOf(file, text, notes)) {
    const name = item.keys[0].text;
    if (name === "cluster_addr" && item.value.kind === "string") clusterAddress = item.value.value;
    else if (isStanza(name)) {
      const blocks = readBlocks(item, 1, ({ at, problem }) => notes.error(file, at, problem));
      for (const block of blocks) {
        const side = stanzas[name];
        if (found[side] !== undefined) notes.error(file, block.at, `only one ${name} is possible`);
        const label = JSON.stringify(block.labels[0]?.text ?? "");
        const read = readStorage(block, { file, env, notes, name: `${name} ${label}` });
        if (read !== undefined) found[side] = read;
      }
    } else notes.error(file, item.at, `unknown key "${name}"`);
  }
  const missing = Object.entries(stanzas)
    .filter(([, side]) => found[side] === undefined && notes.errors.length === 0)
    .map(([name]) => `${file}: there is no ${name} stanza`);
  return {
    source: found.source,
    destination: found.destination,
    clusterAddress,
    errors: [...notes.errors.map(formatNote), ...missing],
    warnings: notes.warnings.map(formatNote),
  };
}

function itemsOf(file: string, text: string, notes: Notes): readonly HclItem[] {
  try {
    return parseHcl(text, file).items;
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    notes.error(file, error, error.problem);
    return [];
  }
}
