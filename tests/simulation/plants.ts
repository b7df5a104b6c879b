/**
 * Faults of the program that are planted under its token and lease stores: they alter what these
 * write, as they would if they had them. Keys are plain below the barrier.
 */
import type { KindName } from "./kind.ts";
import type { Storage, Write } from "../../src/storage/storage.ts";

export interface TokenPlant {
  readonly name: string;
  /** What is written in place of a batch. */
  readonly write?: (batch: readonly Write[]) => readonly Write[];
  /** Milliseconds by which a batch is written later than it is said to be. */
  readonly lateMs?: (batch: readonly Write[]) => number;
  /** A database that did not answer once is not asked again. */
  readonly givesUp?: true;
  /** A standby hears of nothing that another node has changed. */
  readonly isDeaf?: true;
  /** A node that was taken out of its group answers reads as before. */
  readonly staysAfterRemoval?: true;
  /** Whoever signed a JWT is believed. */
  readonly trustsAll?: true;
  /** What has to go wrong for it to show, where that is rare. */
  readonly strikes?: readonly string[];
  /** What clients do besides, where it shows in that, or is drowned by it. */
  readonly kinds?: readonly KindName[];
}

const isPut = ({ value }: Write) => value !== null;
const isBelow = (prefix: string) => ({ key }: Write) => key.startsWith(prefix);
const without = (prefix: string) => (batch: readonly Write[]) =>
  batch.filter((write) => !(isPut(write) && isBelow(prefix)(write)));

function endsTokens(batch: readonly Write[]): boolean {
  return batch.some((write) => !isPut(write) && isBelow("sys/token/id/")(write));
}

/** A lease moves in the order of time: it leaves one place, and takes none. */
function movesWithoutPlace(batch: readonly Write[]): readonly Write[] {
  const isTime = isBelow("sys/expire/time/");
  const leaves = batch.some((write) => isTime(write) && !isPut(write));
  return leaves ? batch.filter((write) => !(isTime(write) && isPut(write))) : batch;
}

/** A token's entry alone is written where a use was counted. */
function countsNothing(batch: readonly Write[]): readonly Write[] {
  const [only, ...others] = batch;
  const isUse = only !== undefined && others.length === 0 && isPut(only) &&
    isBelow("sys/token/id/")(only);
  return isUse ? [{ key: "sys/planted", value: new Uint8Array(1) }] : batch;
}

/** What an auth method keeps below a folder of its own. */
const isOfMethod = (folder: string) => ({ key }: Write) =>
  key.startsWith("auth/") && key.split("/")[2] === folder;

/** A login takes no use of its secret id. */
function takesNoUse(batch: readonly Write[]): readonly Write[] {
  const isLogin = batch.some((write) => isPut(write) && isBelow("sys/token/id/")(write));
  return isLogin ? batch.filter((write) => !isOfMethod("secret_id")(write)) : batch;
}

/** What was given to somebody stays, with its token. */
function keepsWrapped(batch: readonly Write[]): readonly Write[] {
  const isGiven = batch.some(({ key, value }) => value === null && key.endsWith("/response"));
  return isGiven ? batch.filter(isPut) : batch;
}

export const tokenPlants: readonly TokenPlant[] = [
  {
    name: "a revocation that is answered before it is written",
    lateMs: (batch) => endsTokens(batch) ? 700 : 0,
  },
  { name: "a child that its parent does not know", write: without("sys/token/parent/") },
  { name: "a renewal that takes no place in the order of time", write: movesWithoutPlace },
  { name: "a secret that its token does not know", write: without("sys/expire/token/"), kinds: [] },
  { name: "uses that are not counted", write: countsNothing },
  { name: "a circuit that never closes again", givesUp: true, strikes: ["database"], kinds: [] },
  {
    name: "a tree whose rest is forgotten",
    write: without("sys/expire/revoking/"),
    strikes: ["large family", "seal"],
    kinds: [],
  },
  { name: "a standby that does not hear of changes", isDeaf: true },
  {
    name: "a node that goes on answering when it is taken out",
    staysAfterRemoval: true,
    strikes: ["membership"],
    kinds: [],
  },
  {
    name: "an accessor that outlives its token",
    write: (batch) =>
      batch.filter((write) => isPut(write) || !isBelow("sys/token/accessor/")(write)),
  },
  { name: "a wrapped answer that stays", write: keepsWrapped, kinds: ["wrapping"] },
  { name: "a JWT that anybody may have signed", trustsAll: true, kinds: ["wrapping"] },
  { name: "a login that takes no use of its secret id", write: takesNoUse, kinds: ["logins"] },
  {
    name: "a user that is deleted after that was answered",
    lateMs: (batch) => batch.some((one) => !isPut(one) && isOfMethod("user")(one)) ? 700 : 0,
    kinds: ["logins"],
  },
  {
    name: "a name that no later login finds again",
    write: without("identity/alias/name/"),
    kinds: ["logins"],
  },
  {
    name: "a lock that goes with its leader",
    write: without("core/login/lockedUsers/"),
    kinds: ["logins"],
  },
];

/** The storage of a program that has the fault. */
export function planted(storage: Storage, plant: TokenPlant, wait: Wait): Storage {
  return {
    get: (key) => storage.get(key),
    list: (prefix, options) => storage.list(prefix, options),
    scan: (prefix, options) => storage.scan(prefix, options),
    close: () => storage.close(),
    async write(batch) {
      const written = plant.write?.(batch) ?? batch;
      const lateMs = plant.lateMs?.(batch) ?? 0;
      if (lateMs === 0) return await storage.write(written);
      wait(lateMs, () => storage.write(written));
    },
  };
}

/** Does something later; that it failed is nobody's business any more. */
export type Wait = (ms: number, write: () => Promise<void>) => void;
