/**
 * What is stored, looked at while no node runs on it. Without keys that is what lies below the barrier,
 * the form of everything above, and what a node that served once can't lack. With the unseal keys
 * everything is decrypted and read as a node would read it.
 */
import { termOf } from "../../barrier/frame.ts";
import {
  isBelowBarrier,
  KEYRING_KEY,
  SEAL_CONFIG_KEY,
  STORED_ROOT_KEY,
} from "../../barrier/physical.ts";
import { describeError } from "../../base/failure.ts";
import type { Platform } from "../../core/backend.ts";
import { decodeSealConfig } from "../../seal/config.ts";
import { SnapshotKeys } from "../../snapshot/keys.ts";
import type { Storage } from "../../storage/storage.ts";
import { knownTypes } from "../../system/entries/kinds.ts";
import { type Damage, plainEntries, survey } from "../../system/entries/survey.ts";
import { auditDevices } from "../audit_devices.ts";
import { backendTypes } from "../backends.ts";
import { fail, type Finding, ok, skipped } from "./check.ts";

/** Asked for the unseal keys, with how many it takes. */
export type UnsealKeys = (threshold: number) => Promise<readonly string[]>;

/** Damages that are named beside the first. */
const NAMED_MAX = 20;
const PAGE = 500;

const repair = "start it with -recovery and repair it with operator raw, or restore a snapshot";

export async function storedEntries(
  storage: Storage,
  platform: Platform,
  unsealKeys: UnsealKeys | undefined,
): Promise<Finding> {
  const form = await outside(storage);
  if (form.status !== "ok" || unsealKeys === undefined || form.isNew) return form;
  const { clock, random, crypto } = platform;
  const keys = new SnapshotKeys(storage, { clock, random, crypto });
  try {
    return await inside(storage, keys, platform, await unsealKeys(form.threshold));
  } finally {
    keys.close();
  }
}

interface Outside extends Finding {
  readonly isNew: boolean;
  readonly threshold: number;
}

/** What can be told without keys. */
async function outside(storage: Storage): Promise<Outside> {
  const unknown = { isNew: false, threshold: 0 };
  const wrong = (message: string) => ({ ...fail(message, repair), ...unknown });
  const config = await storage.get(SEAL_CONFIG_KEY);
  const [any] = await storage.scan("", { limit: 1 });
  if (any === undefined) return { ...skipped("nothing is stored yet"), ...unknown };
  if (config === undefined) return wrong(`${SEAL_CONFIG_KEY} is missing: nothing can be unsealed`);
  let threshold: number;
  try {
    ({ threshold } = decodeSealConfig(SEAL_CONFIG_KEY, config));
  } catch (error) {
    return wrong(describeError(error));
  }
  for (const key of [KEYRING_KEY, STORED_ROOT_KEY]) {
    if (await storage.get(key) === undefined) {
      return wrong(`${key} is missing: nothing can be opened`);
    }
  }
  const { entries, terms, misshapen } = await walk(storage);
  if (misshapen !== undefined) return wrong(`the value of ${misshapen} is not a barrier value`);
  if (entries === 0) return { ...ok("initialised, and never unsealed"), isNew: true, threshold };
  const lacking = await missing(storage);
  if (lacking !== undefined) return wrong(lacking);
  const of = `${entries} entries have the form of barrier values (key terms ${[...terms].sort()})`;
  const message = `${of}; -unseal reads what is in them`;
  return { ...ok(message), isNew: false, threshold };
}

async function walk(storage: Storage) {
  const terms = new Set<number>();
  let entries = 0;
  let after: string | undefined;
  for (;;) {
    const page = await storage.scan("", { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key, value } of page) {
      if (isBelowBarrier(key)) continue;
      entries += 1;
      const term = termOf(value);
      if (term === undefined) return { entries, terms, misshapen: key };
      terms.add(term);
    }
    if (page.length < PAGE) return { entries, terms, misshapen: undefined };
    after = page.at(-1)?.key;
  }
}

/** What every node has that has served once. */
async function missing(storage: Storage): Promise<string | undefined> {
  for (const [folder, table] of [["core/mounts/", "mount"], ["core/auth/", "auth"]] as const) {
    const [first] = await storage.list(folder, { limit: 1 });
    if (first === undefined) return `the ${table} table is empty: ${folder} has no entries`;
  }
  for (
    const [key, consequence] of [
      ["sys/token/salt", "no token that was made is valid"],
      ["core/cluster/local/info", "the cluster has lost its id"],
    ] as const
  ) {
    if (await storage.get(key) === undefined) return `${key} is missing: ${consequence}`;
  }
  return undefined;
}

async function inside(
  storage: Storage,
  keys: SnapshotKeys,
  { clock }: Platform,
  shares: readonly string[],
): Promise<Finding> {
  let barrier;
  try {
    for (const share of shares) barrier ??= await keys.submit(share);
  } catch (error) {
    return fail(`the unseal keys don't open it: ${describeError(error)}`);
  }
  if (barrier === undefined) return fail("too few different unseal keys were given");
  const opened = barrier;
  const all = plainEntries(storage, (key, frame) => opened.decryptRaw(key, frame));
  const known = knownTypes(backendTypes, Object.keys(auditDevices(clock)));
  const { entries, damages, damaged } = await survey(all, opened, known);
  const [first, ...others] = damages;
  if (first === undefined) return ok(`all ${entries} entries open and can be read`);
  const more = damaged === 1 ? "" : `; ${damaged} entries can't be read`;
  return {
    ...fail(`${told(first)}${more}`, repair),
    ...(others.length === 0 ? {} : { warnings: others.slice(0, NAMED_MAX).map(told) }),
  };
}

function told({ key, type, problem, isNeeded }: Damage): string {
  return `${key} (${type}): ${problem}${isNeeded ? "; a node does not start with it" : ""}`;
}
