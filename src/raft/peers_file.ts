/**
 * `raft/peers.json`: who belongs to the group from now on, put there by an operator on every node
 * that is left when most are lost for good. It holds until a configuration entry that came after
 * it is applied, and is deleted then.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { Configuration, Member } from "./consensus/configuration.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk } from "./disk.ts";
import { replaceFile } from "./durable_file.ts";
import { StorageError } from "./errors.ts";
import { parseEndpoint } from "./net/cluster_tls.ts";

function peersPath(directory: string): string {
  return `${directory}/raft/peers.json`;
}

/** The membership of the file, where there is one. Throws `StorageError` where it makes no sense. */
export async function readPeers(
  directory: string,
  nodeId: string,
  disk: Disk = denoDisk,
): Promise<Configuration | undefined> {
  const path = peersPath(directory);
  const content = await disk.read(path);
  if (content === undefined) return undefined;
  const wrong = (what: string, cause?: unknown) => new StorageError(`${path}: ${what}`, { cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8(content));
  } catch (cause) {
    throw wrong("it is not JSON", cause);
  }
  if (!Array.isArray(parsed)) throw wrong("it is not a list");
  const members = parsed.map((item: unknown): Member => {
    const fields = new Map<string, unknown>(Object.entries(Object(item)));
    const id = fields.get("id"), address = fields.get("address");
    const nonVoter = fields.get("non_voter") ?? false, learner = fields.get("learner") ?? false;
    if (
      typeof id !== "string" || typeof address !== "string" || typeof nonVoter !== "boolean" ||
      typeof learner !== "boolean"
    ) throw wrong('each node needs "id" and "address", and may have "non_voter" and "learner"');
    if (parseEndpoint(address) === undefined) throw wrong(`"${address}" is no host and port`);
    const voter = !nonVoter && !learner;
    return { id, address, voter, ...(nonVoter ? { staysLearner: true } : {}) };
  });
  if (new Set(members.map(({ id }) => id)).size < members.length) {
    throw wrong("an id is there twice");
  }
  if (!members.some(({ voter }) => voter)) throw wrong("nobody in it votes");
  if (!members.some(({ id }) => id === nodeId)) throw wrong(`this node, ${nodeId}, is not in it`);
  return { members };
}

/** Writes the file, durably. Nodes that are `learner` in it vote once they have caught up. */
export async function writePeers(directory: string, members: readonly Member[]): Promise<void> {
  const list = members.map(({ id, address, voter, staysLearner = false }) => ({
    id,
    address,
    non_voter: staysLearner,
    ...(voter || staysLearner ? {} : { learner: true }),
  }));
  await replaceFile(`${directory}/raft`, "peers.json", utf8(`${JSON.stringify(list, null, 2)}\n`));
}

export function removePeers(directory: string): void {
  Deno.removeSync(peersPath(directory));
}
