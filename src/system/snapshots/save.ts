/** Makes a snapshot of everything that is stored. */
import { release } from "../../base/bytes.ts";
import { version } from "../../base/version.ts";
import type { IntegratedStorage } from "../../core/integrated_storage.ts";
import type { Node } from "../../core/node.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import { whileWanted } from "../../snapshot/auto/while_wanted.ts";
import { FORMAT_VERSION, PROGRAM } from "../../snapshot/meta.ts";
import type { SizedStream } from "../../snapshot/spool.ts";
import type { Entry } from "../../storage/storage.ts";

/** What the sealed checksums are bound to. */
export const sumsContext = "core/snapshot-sums";

/**
 * The file as a stream. What it holds is as of one log entry, whatever is written meanwhile. Throws
 * the signal's reason where it is aborted before all entries are read.
 */
export async function saveSnapshot(
  node: Node,
  storage: IntegratedStorage,
  signal: AbortSignal = new AbortController().signal,
): Promise<SizedStream> {
  const { writeSnapshot } = await import("../../snapshot/write.ts");
  const content = await storage.snapshot();
  const { index, term } = content;
  const now = node.platform.clock.now();
  const meta = {
    Version: FORMAT_VERSION,
    ID: `${term}-${index}-${now}`,
    Index: index,
    Term: term,
    Peers: "",
    Configuration: {
      Servers: [{ Suffrage: 0, ID: storage.nodeId, Address: node.addresses.cluster }],
    },
    ConfigurationIndex: 1,
    Program: PROGRAM,
    ProgramVersion: version,
    ClusterID: node.cluster?.id ?? "",
    ClusterName: node.cluster?.name ?? "",
    CreatedAt: rfc3339(now),
  };
  try {
    const seal = (sums: Uint8Array) => node.barrier.encryptRaw(sumsContext, sums);
    const entries = releasing(whileWanted(content.entries(), signal));
    return await writeSnapshot(storage.spoolFolder, entries, meta, seal);
  } finally {
    content.close();
  }
}

/** The same entries, of which each is gone when the next is asked for. */
async function* releasing(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    yield entry;
    release(entry.value);
  }
}
