/** Finds nodes to join by what DNS says at the moment; asked again before each attempt. */
import { badRequest, describeError, Failure } from "../base/failure.ts";
import { type AutoJoin, parseAutoJoin } from "../config/auto_join.ts";
import type { JoinTarget } from "./api_client.ts";
import type { Seek } from "./joiner.ts";

/** What the found nodes have in common. */
export interface FoundNodes {
  readonly scheme: string;
  /** Of those that are found by their addresses alone. */
  readonly port: number;
  readonly trust: Omit<JoinTarget, "address">;
}

/** For a joiner. Throws `Failure` (400) where the text is no `auto_join`. */
export function seekByDns(text: string, found: FoundNodes): Seek {
  const spec = parseAutoJoin(text);
  if (typeof spec === "string") throw badRequest(spec);
  const { scheme, port } = found;
  if (scheme !== "http" && scheme !== "https") {
    throw badRequest("auto_join_scheme is http or https");
  }
  if (!(port >= 1 && port <= 65535)) throw badRequest("auto_join_port is no port");
  return () => discover(spec, found);
}

/** More than a cluster has; the rest of a longer answer is left out. */
const TARGETS_MAX = 32;

/** Throws `Failure` (503) where there is no such name, or nobody answers. */
async function discover(
  { name, type, nameServer }: AutoJoin,
  { scheme, port, trust }: FoundNodes,
): Promise<JoinTarget[]> {
  const options = nameServer === undefined ? {} : { nameServer };
  try {
    if (type === "srv") {
      const records = await Deno.resolveDns(name, "SRV", options);
      return records
        .toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
        .slice(0, TARGETS_MAX)
        .map((at) => ({
          ...trust,
          address: `${scheme}://${at.target.replace(/\.$/, "")}:${at.port}`,
        }));
    }
    const addresses = nameServer === undefined
      ? await addressesOfSystem(name)
      : await addressesAt(name, options);
    // Certificates seldom name addresses: the name that was looked up is expected in them.
    const serverName = trust.serverName || name;
    return addresses.slice(0, TARGETS_MAX).map((address) => {
      const host = address.includes(":") ? `[${address}]` : address;
      return { ...trust, serverName, address: `${scheme}://${host}:${port}` };
    });
  } catch (error) {
    throw new Failure(503, `auto_join: ${name}: ${describeError(error)}`, { cause: error });
  }
}

/** As the system has it, with its hosts file. */
async function addressesOfSystem(name: string): Promise<string[]> {
  const { lookup } = await import("node:dns/promises");
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

async function addressesAt(name: string, options: Deno.ResolveDnsOptions): Promise<string[]> {
  const answers = await Promise.allSettled([
    Deno.resolveDns(name, "A", options),
    Deno.resolveDns(name, "AAAA", options),
  ]);
  const found = answers.flatMap((each) => each.status === "fulfilled" ? each.value : []);
  const [first] = answers;
  if (found.length === 0 && first.status === "rejected") throw first.reason;
  return found;
}
