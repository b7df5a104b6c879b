/** `operator raft snapshot save|restore`. */
import { bool } from "../args/flag.ts";
import { describeError } from "../../base/failure.ts";
import type { Bytes } from "../../base/bytes.ts";
import { uploadSnapshot } from "./snapshot_upload.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";

export const save: Command = {
  usage: "[options] FILE",
  about: "Saves all data, still encrypted, to a file. It is checked before it gets its name: " +
    "FILE is a whole snapshot or is left as it was.",
  examples: [["Make a backup", "operator raft snapshot save backup.snap"]],
  words: [1, 1],
  output: "format",
  async run(call) {
    const file = call.arg(0).trim();
    const part = `${file}.part`;
    const client = await call.client();
    const response = await call.during(
      "taking the snapshot",
      client.open({ method: "GET", path: "sys/storage/raft/snapshot", timeoutMs: 0 }),
    );
    const [toFile, toCheck] = response.body.tee();
    try {
      const [, size] = await Promise.all([
        call.io.saveStream(part, toFile),
        unpackedSize(toCheck),
      ]);
      if (size === 0) throw new Error("the node sent nothing");
      await call.io.rename(part, file);
    } catch (error) {
      await call.io.removeFile(part).catch((gone) => {
        if (!(gone instanceof Deno.errors.NotFound)) throw gone;
      });
      throw new CommandError(`Error taking the snapshot: ${describeError(error)}`, 2);
    }
    return 0;
  },
};

/** Unpacks gzip to its end, whose checksum shows that nothing is missing; the size in bytes. */
async function unpackedSize(packed: ReadableStream<Uint8Array>): Promise<number> {
  const plain = new TransformStream<Uint8Array, Bytes>({
    transform: (chunk, controller) => controller.enqueue(new Uint8Array(chunk)),
  });
  let size = 0;
  const unpacked = packed.pipeThrough(plain).pipeThrough(new DecompressionStream("gzip"));
  for await (const chunk of unpacked) size += chunk.length;
  return size;
}

export const restore: Command = {
  usage: "[options] FILE",
  about: "Puts back all data from a snapshot. What was written since is gone. The node unseals " +
    "with the keys of the time of the snapshot.",
  examples: [["Go back to a backup", "operator raft snapshot restore backup.snap"]],
  flags: [bool("force", "Accept the snapshot of a cluster with other unseal keys.")],
  words: [1, 1],
  async run(call) {
    const kind = call.flags.bool("force") ? "snapshot-force" : "snapshot";
    const path = `sys/storage/raft/${kind}`;
    const answer = await uploadSnapshot(call, path, "installing the snapshot");
    // Which keys the node needs next, where those in use are of no use any more.
    call.warnings(answer?.warnings ?? []);
    return 0;
  },
};
