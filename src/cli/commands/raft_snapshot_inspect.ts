/** `operator raft snapshot inspect`: what a file says of itself; no node and no key is needed. */
import { describeError } from "../../base/failure.ts";
import { metaText } from "../../snapshot/meta.ts";
import type { ReadSnapshot } from "../../snapshot/read.ts";
import { bool, int, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { keyValue, titled } from "../output/table.ts";

export const inspect: Command = {
  usage: "[options] FILE",
  about:
    "Checks that a snapshot file is whole and tells what it says of itself: of which cluster " +
    "and time it is, how the keys that open it are split, and what takes up how much space.",
  examples: [["Look at a backup", "operator raft snapshot inspect backup.snap"]],
  flags: [
    bool("details", "Count entries by the beginnings of their keys.", { fallback: "true" }),
    int("depth", "Parts of a key that count as its beginning.", { fallback: "2" }),
    text("filter", "Count only keys that begin so."),
  ],
  words: [1, 1],
  output: "format",
  http: false,
  async run(call) {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-inspect-" });
    try {
      const { readSnapshot } = await import("../../snapshot/read.ts");
      const snapshot = await readSnapshot(folder, await call.io.openRead(call.arg(0).trim()));
      return await show(call, snapshot);
    } catch (error) {
      throw new CommandError(`Error reading the snapshot: ${describeError(error)}`, 1);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function show(call: Call, snapshot: ReadSnapshot): Promise<number> {
  const { countByPrefix, sealOf } = await import("../../snapshot/inspect.ts");
  const { meta } = snapshot;
  const seal = sealOf(snapshot);
  const how = { depth: call.flags.int("depth") ?? 2, filter: call.flags.text("filter") };
  const counts = await countByPrefix(snapshot.entries(), how);
  const size = counts.reduce((sum, each) => sum + each.size, 0);
  const count = counts.reduce((sum, each) => sum + each.count, 0);
  const details = call.flags.bool("details");
  const own = {
    ClusterID: metaText(meta, "ClusterID"),
    ClusterName: metaText(meta, "ClusterName"),
    CreatedAt: metaText(meta, "CreatedAt"),
    Program: metaText(meta, "Program"),
    SealType: seal?.type ?? "",
    SecretShares: seal?.shares ?? 0,
    SecretThreshold: seal?.threshold ?? 0,
  };
  const numbers = { Index: Number(meta.Index), Term: Number(meta.Term) };
  const head = { Size: snapshot.fileBytes, ...numbers, Version: Number(meta.Version) };
  if (!call.forPeople) {
    return await call.value({
      Meta: { ID: metaText(meta, "ID"), ...head, ...own },
      ...(details
        ? {
          StatsKV: counts.map((each) => ({ Name: each.name, Count: each.count, Size: each.size })),
        }
        : {}),
      TotalCountKV: count,
      TotalSizeKV: size,
    });
  }
  const shown = { ID: metaText(meta, "ID"), ...head, ...own };
  call.lines(keyValue(Object.entries(shown).map(([name, value]) => [name, String(value)])));
  if (details) {
    call.line();
    const rows = counts.map((each) => [each.name, String(each.count), String(each.size)]);
    const total = ["Total", String(count), String(size)];
    call.lines(titled(["Key Name", "Count", "Size"], [...rows, total]));
  }
  return 0;
}
