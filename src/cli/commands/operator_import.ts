/** `operator import`: takes over what Vault or OpenBao kept. */
import { bool, text } from "../args/flag.ts";
import { describeError, Failure } from "../../base/failure.ts";
import { silentLogger } from "../../base/log.ts";
import type { Opened } from "../../foreign/opened.ts";
import type { Source } from "../../foreign/source.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { ApiError, CommandError, TransportError } from "../errors.ts";
import type { Shipment } from "../moving/shipment.ts";
import { keyShares } from "./key_input.ts";

export const command: Command = {
  usage: "[options] FILE|DIRECTORY",
  about:
    "Takes over what is inside a raft snapshot of Vault or OpenBao: secrets of KV with their " +
    "versions, policies, mounts, users, AppRoles, roles of JWT and of tokens, entities and " +
    "groups. FILE, or the directory of a stopped server with file storage, is read and decrypted " +
    "on this machine; the node gets what was in it, through " +
    "its API, and needs to be unsealed.\n\nThe unseal keys of the cluster that made FILE are " +
    "asked for at the terminal, or read from standard input or -keys-file, one a line. They " +
    "never leave this machine.\n\nWhat is on the node already and differs stays, and is told, " +
    "unless -overwrite is given. An import that was interrupted is begun again: nothing is done " +
    "twice. At the end stands what was not brought over, and why. The exit code is 2 where " +
    "something could not be read or the node refused it.",
  examples: [
    ["Look what would happen", "operator import -dry-run vault.snap"],
    ["Take it over, with a report for programs", "operator import -format=json vault.snap"],
  ],
  flags: [
    bool("dry-run", "Change nothing; say what would happen."),
    bool("overwrite", "Replace what is on the node and differs."),
    text("keys-file", "File with the unseal keys, one a line.", { placeholder: "file" }),
  ],
  words: [1, 1],
  output: "format",
  async run(call) {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-import-" });
    try {
      const source = await openSource(call, folder);
      try {
        return await importFrom(call, source);
      } finally {
        await source.close();
      }
    } catch (error) {
      const isTold = error instanceof CommandError || error instanceof ApiError ||
        error instanceof TransportError;
      if (isTold || !(error instanceof Failure)) throw error;
      throw new CommandError(`Error importing: ${describeError(error)}`, 2);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function openSource(call: Call, folder: string): Promise<Source> {
  const file = call.arg(0).trim();
  const { readSnapshot } = await import("../../snapshot/read.ts");
  const { fileSource, snapshotSource } = await import("../../foreign/source.ts");
  let stream: ReadableStream<Uint8Array>;
  try {
    if (await isDirectory(file)) return await fileSource(file);
    stream = await call.io.openRead(file);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new CommandError(`Error opening ${file}: ${describeError(error)}`, 1);
  }
  return await snapshotSource(await readSnapshot(folder, stream));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function importFrom(call: Call, source: Source): Promise<number> {
  const { Opened } = await import("../../foreign/opened.ts");
  const { Account } = await import("../../foreign/account.ts");
  const { readForeignSeal } = await import("../../foreign/vault_barrier.ts");
  const { chooseProvider } = await import("../../crypto/choose.ts");
  const { Shipment } = await import("../moving/shipment.ts");
  const { threshold } = await readForeignSeal((key) => source.stored(key));
  const shares = await keyShares(call, threshold, call.flags.text("keys-file"));
  const crypto = chooseProvider(silentLogger);
  const opened = await Opened.open(source, shares, crypto, new Account());
  try {
    const client = await call.client();
    if (client.settings.print !== undefined) {
      throw new CommandError("Error: the requests of an import hold secrets; they aren't shown", 1);
    }
    const options = { overwrite: call.flags.bool("overwrite"), dryRun: call.flags.bool("dry-run") };
    const shipment = new Shipment(client, options);
    await ship(call, opened, shipment);
    return await report(call, shipment, opened);
  } finally {
    opened.barrier.close();
  }
}

/** A line now and then, for people who wait. */
const progressMs = 2000;

async function ship(call: Call, opened: Opened, shipment: Shipment): Promise<void> {
  const { bring } = await import("../../foreign/bring.ts");
  const mounted = new Set<string>();
  let last = call.io.clock.monotonic();
  try {
    for await (const item of bring(opened, (path) => mounted.has(path))) {
      if (item.kind !== "mount") await shipment.add(item);
      else if (await shipment.sendAlone(item)) mounted.add(item.path);
      const now = call.io.clock.monotonic();
      if (!call.forPeople || now - last < progressMs) continue;
      last = now;
      call.io.err(`${shipment.done} done, at ${item.kind} ${item.path}\n`);
    }
    await shipment.flush();
  } catch (error) {
    if (shipment.done > 0) {
      call.io.err(`${shipment.done} were done; start it again, nothing is done twice.\n`);
    }
    throw error;
  }
}

async function report(call: Call, shipment: Shipment, { account }: Opened): Promise<number> {
  const { explain, reportJson } = await import("../moving/report.ts");
  if (call.forPeople) explain(call, shipment, account);
  else await call.value(reportJson(shipment, account));
  return shipment.refused.length > 0 || account.failed > 0 ? 2 : 0;
}
