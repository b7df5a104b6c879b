/**
 * The typed configuration of a server: what the files and the environment say, checked key by
 * key. Nothing here reads files or the machine; see files.ts.
 */
import type { HclItem, HclKey, HclObject } from "./hcl/ast.ts";
import { HclError } from "./hcl/error.ts";
import { parseHcl } from "./hcl/parse.ts";
import { type HclBlock, readBlocks } from "./hcl/query.ts";
import { replicationKeys, telemetryKeys, userLockoutKeys } from "./keys/stanzas.ts";
import { topKeys } from "./keys/top.ts";
import { type ConfigNote, Notes } from "./note.ts";
import { canonicalKey, type Env, nowhere, type ReadContext, readStanza } from "./read_stanza.ts";
import { ignoredStanzas, sealOf, stanzaNames, stanzaReaders } from "./server_stanzas.ts";
import { emptyParts, type Parts, type ServerConfig } from "./server_types.ts";
import { didYouMean } from "./suggest.ts";

/** One file's text and its name in notes. */
export interface ConfigSource {
  readonly name: string;
  readonly text: string;
}

/** Attributes by their present name; the file they come from is for notes. */
type TopItems = Map<string, { readonly item: HclItem; readonly file: string }>;

export interface LoadedConfig {
  /** Complete, with defaults in place of what is wrong. Not to be used when there are errors. */
  readonly config: ServerConfig;
  readonly warnings: ConfigNote[];
  readonly errors: ConfigNote[];
}

/**
 * Reads a server's configuration from the texts of its files, in their order: a later file wins,
 * while listeners, seals, audit devices and user lockouts add up. The environment wins over files.
 * Never throws for what the texts say.
 */
export function loadServerConfig(sources: readonly ConfigSource[], env: Env): LoadedConfig {
  const notes = new Notes();
  const parts = emptyParts();
  const top: TopItems = new Map();
  for (const source of sources) readSource(source, env, notes, parts, top);
  const config = assemble(parts, top, env, notes);
  return { config, warnings: notes.warnings, errors: notes.errors };
}

function readSource(
  source: ConfigSource,
  env: Env,
  notes: Notes,
  parts: Parts,
  top: TopItems,
): void {
  const file = source.name;
  const body = parse(source, notes);
  const once = new Set<string>();
  for (const item of body?.items ?? []) {
    const name = item.keys[0].text;
    const key = canonicalKey(topKeys, name);
    if (key !== undefined) top.set(key, { item, file });
    else if (Object.hasOwn(stanzaNames, name)) {
      readStanzaItem(stanzaNames[name] ?? name, item, { file, env, notes, name }, parts, once);
    } else if (!ignoredStanzas.has(name)) {
      const hint = didYouMean(name, [...Object.keys(topKeys), ...Object.keys(stanzaNames)]);
      notes.warn(file, item.at, `unknown key "${name}" in the configuration${hint}`);
    } else notes.warn(file, item.at, `"${name}" has no effect`);
  }
}

function parse(source: ConfigSource, notes: Notes): HclObject | undefined {
  try {
    return parseHcl(source.text, source.name);
  } catch (error) {
    if (!(error instanceof HclError)) throw error;
    notes.error(source.name, error, error.problem);
    return undefined;
  }
}

function readStanzaItem(
  name: string,
  item: HclItem,
  context: ReadContext,
  parts: Parts,
  once: Set<string>,
): void {
  const reader = stanzaReaders[name];
  if (reader === undefined) throw new Error(`no reader for the stanza ${name}`);
  const labels = typeof reader.labels === "number"
    ? reader.labels
    : item.keys.length - 1 || reader.labels.fallback;
  const blocks: HclBlock[] = readBlocks(item, labels, ({ at, problem }) => {
    context.notes.error(context.file, at, problem);
  });
  for (const block of blocks) {
    if (reader.single && once.has(name)) {
      context.notes.error(context.file, block.at, `only one "${name}" is possible in a file`);
    }
    once.add(name);
    const named = block.labels.map((label) => ` ${JSON.stringify(label.text)}`).join("");
    reader.read(block, { ...context, name: `${name}${named}` }, parts);
  }
}

/** Puts the parts of all files together, reads the attributes at the top and the environment. */
function assemble(
  parts: Parts,
  top: TopItems,
  env: Env,
  notes: Notes,
): ServerConfig {
  const settings = readTop(top, env, notes, parts);
  applyEnvOfSeals(parts, env, notes);
  applyEnvOfLockout(parts, env, notes);
  const empty: HclObject = { kind: "object", at: nowhere, items: [] };
  const context = { file: "", env: {}, notes, name: "telemetry" };
  return {
    settings: settings.values,
    given: settings.given,
    listeners: parts.listeners,
    storage: parts.storage,
    haStorage: parts.haStorage,
    seals: parts.seals,
    serviceRegistration: parts.serviceRegistration,
    telemetry: parts.telemetry ?? readStanza(telemetryKeys, empty, context),
    userLockouts: parts.userLockouts,
    audits: parts.audits,
    replication: parts.replication ?? readStanza(replicationKeys, empty, context),
    initialize: parts.initialize,
  };
}

/** Reads the attributes of all files as one body; each note names its own file. */
function readTop(top: TopItems, env: Env, notes: Notes, parts: Parts) {
  const files = new Map([...top.values()].map(({ item, file }) => [item, file]));
  const items = [...top.values()].map(({ item }) => item);
  const { redirect_addr, cluster_addr } = parts.storage?.values ?? {};
  // Once these two stood in the storage stanza.
  for (const [key, value] of Object.entries({ api_addr: redirect_addr, cluster_addr })) {
    if (value === undefined || top.has(key)) continue;
    const keys: [HclKey] = [{ at: nowhere, text: key }];
    items.push({ at: nowhere, keys, value: { kind: "string", at: nowhere, value } });
  }
  const fileOf = (item: HclItem) => files.get(item);
  const context = { file: "", fileOf, env, notes, name: "the configuration" };
  return readStanza(topKeys, { kind: "object", at: nowhere, items }, context);
}

/** VAULT_SEAL_TYPE beats the type of the one seal that is in use (VAULT_HSM_TYPE: older name). */
function applyEnvOfSeals(parts: Parts, env: Env, notes: Notes): void {
  const type = env["VAULT_SEAL_TYPE"] || env["BAO_SEAL_TYPE"] || env["VAULT_HSM_TYPE"];
  const used = parts.seals.filter((seal) => !seal.values.disabled);
  if (type === undefined || type === "" || used.some((seal) => seal.type === type)) return;
  const body: HclObject = { kind: "object", at: nowhere, items: [] };
  const context = { file: "environment", env, notes, name: `seal "${type}"` };
  const seal = sealOf(type, { body }, context);
  if (seal === undefined) {
    notes.error("environment", nowhere, `VAULT_SEAL_TYPE: unknown seal type "${type}"`);
    return;
  }
  const old = used.length === 1 ? used[0] : undefined;
  if (old !== undefined) {
    const message = `VAULT_SEAL_TYPE: "${type}" is used instead of the file's "${old.type}"`;
    notes.warn("environment", nowhere, message);
  }
  parts.seals = [...parts.seals.filter((one) => one !== old), seal];
}

/** VAULT_DISABLE_USER_LOCKOUT works without a stanza, too. */
function applyEnvOfLockout(parts: Parts, env: Env, notes: Notes): void {
  if (parts.userLockouts.some(({ type }) => type === "all")) return;
  const body: HclObject = { kind: "object", at: nowhere, items: [] };
  const context = { file: "environment", env, notes, name: 'user_lockout "all"' };
  const stanza = readStanza(userLockoutKeys, body, context);
  if (Object.keys(stanza.given).length > 0) parts.userLockouts.push({ type: "all", ...stanza });
}
