/** `operator raft snapshot verify`: a backup that has not been opened is none. */
import { describeError } from "../../base/failure.ts";
import { silentLogger } from "../../base/log.ts";
import type { ReadSnapshot } from "../../snapshot/read.ts";
import type { Call } from "../call.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../errors.ts";
import { titled } from "../output/table.ts";
import { keyShares } from "./key_input.ts";

export const verify: Command = {
  usage: "[options] FILE",
  about: "Checks that a snapshot file is whole, opens it with its unseal keys and decrypts every " +
    "entry, without a node. The keys are asked for at the terminal, or read from standard input, " +
    "one a line. The exit code is 2 where anything does not open.",
  examples: [["Prove a backup", "operator raft snapshot verify backup.snap"]],
  words: [1, 1],
  output: "format",
  http: false,
  async run(call) {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-verify-" });
    try {
      const { readSnapshot } = await import("../../snapshot/read.ts");
      const { checkOwn } = await import("../../snapshot/meta.ts");
      const snapshot = await readSnapshot(folder, await call.io.openRead(call.arg(0).trim()));
      checkOwn(snapshot.meta);
      return await prove(call, snapshot);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw new CommandError(`Error verifying the snapshot: ${describeError(error)}`, 2);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function prove(call: Call, snapshot: ReadSnapshot): Promise<number> {
  const { verifySnapshot } = await import("../../snapshot/verify.ts");
  const { sealOf } = await import("../../snapshot/inspect.ts");
  const { chooseProvider } = await import("../../crypto/choose.ts");
  const { clock, random } = call.io;
  const shares = await keyShares(call, sealOf(snapshot)?.threshold ?? 1);
  const machine = { clock, random, crypto: chooseProvider(silentLogger) };
  const { opened, failures, failed } = await verifySnapshot(snapshot, shares, machine);
  const count = opened.reduce((sum, each) => sum + each.count, 0);
  if (!call.forPeople) {
    await call.value({
      entries: count,
      failed,
      failures: [...failures],
      opened: opened.map((each) => ({ ...each })),
    });
  } else {
    const rows = opened.map((each) => [each.name, String(each.count), String(each.size)]);
    call.lines(titled(["Key Name", "Entries", "Size"], rows));
    call.line();
    for (const { key, reason } of failures) call.line(`${key}: ${reason}`);
    call.line(failed === 0 ? `All ${count} entries open.` : `${failed} entries do not open.`);
  }
  return failed === 0 ? 0 : 2;
}
