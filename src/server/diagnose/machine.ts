/** Checks of the machine: descriptors, disk, clock. */
import { statfs } from "node:fs/promises";
import { descriptorLimit, openLibc } from "../libc.ts";
import { type Check, type Examination, fail, type Finding, ok, skipped, warn } from "./check.ts";

const descriptorsWanted = 8192;
const freeWantedBytes = 1024 ** 3;
const freeNeededBytes = 64 * 1024 ** 2;
/** Before this was written no clock can be. */
const earliest = Date.UTC(2026, 0, 1);

export function checkMachine(all: Examination, dataPath: string, now: number): Promise<Check> {
  return all.group("Check Operating System", async () => [
    await all.one("Check Open File Limits", openFiles),
    await all.one("Check Disk Usage", () => disk(dataPath)),
    await all.one("Check Time", () => clock(now)),
    await all.one("Check Memory", memory),
  ]);
}

function openFiles(): Finding {
  const libc = openLibc();
  if (libc === undefined) return skipped("the limit can't be read on this system");
  const { hard } = descriptorLimit(libc);
  if (hard >= descriptorsWanted) return ok(`the limit is ${hard} descriptors`);
  return warn(
    `the limit of ${hard} descriptors is low: each connection takes one`,
    "raise it, for instance with LimitNOFILE= in the systemd unit",
  );
}

async function disk(path: string): Promise<Finding> {
  const existing = await nearestDirectory(path);
  const { bavail, blocks, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const share = Math.round(bavail / blocks * 100);
  const text = `${existing}: ${Math.floor(free / 1024 ** 2)} MiB free (${share} %)`;
  if (free < freeNeededBytes) return fail(text, "make space: writes fail on a full disk");
  return free < freeWantedBytes ? warn(`${text} is little`, "make space") : ok(text);
}

/** The directory itself, or the one it would be made in. */
async function nearestDirectory(path: string): Promise<string> {
  for (let at = path;; at = at.replace(/\/[^/]*$/, "") || "/") {
    try {
      await Deno.stat(at);
      return at;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || at === "/") throw error;
      if (!at.includes("/")) return ".";
    }
  }
}

function clock(now: number): Finding {
  const text = new Date(now).toISOString();
  if (now > earliest) return ok(text);
  return fail(`the clock says ${text}`, "set it: lifetimes and certificates depend on it");
}

function memory(): Finding {
  const { available, swapTotal } = Deno.systemMemoryInfo();
  const text = `${Math.floor(available / 1024 ** 2)} MiB available`;
  if (swapTotal === 0) return ok(text);
  return warn(
    `${text}; the machine swaps, so that keys may be written to disk`,
    "run under the systemd unit, which keeps the process off swap, or turn swap off",
  );
}
