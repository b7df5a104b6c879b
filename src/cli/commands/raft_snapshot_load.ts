/** `operator raft snapshot load|unseal|unload`: a snapshot beside the running storage. */
import { bool } from "../args/flag.ts";
import { uploadSnapshot } from "./snapshot_upload.ts";
import type { Command } from "../command.ts";
import { asObject, asText, type JsonObject } from "../json.ts";
import { valueText } from "../output/value_text.ts";
import { keyShare } from "./key_input.ts";

const root = "sys/storage/raft/snapshot-load";

export const load: Command = {
  usage: "[options] FILE",
  about: "Loads a snapshot beside what is stored, which stays as it is: its secrets can then be " +
    "read (-snapshot-id of read, list and kv get) and recovered (recover). One at a time, for 72 " +
    "hours. A file that is sealed with other keys than the cluster's takes its own then " +
    "(operator raft snapshot unseal).",
  examples: [["Look into a backup", "operator raft snapshot load backup.snap"]],
  words: [1, 1],
  output: "field",
  async run(call) {
    const answer = await uploadSnapshot(call, root, "loading the snapshot");
    const data = asObject(answer?.data);
    const code = await call.data(data);
    if (call.forPeople && call.field === "" && data.status === "sealed") {
      call.note(
        `It is sealed with other keys than this cluster's. Give ${
          valueText(data.t ?? "")
        } of the keys of ` +
          `its time: operator raft snapshot unseal ${asText(data.snapshot_id)}`,
      );
    }
    return code;
  },
};

export const unseal: Command = {
  usage: "[options] ID [KEY]",
  about:
    "Gives a loaded snapshot, which is sealed with other keys than the cluster's, one unseal " +
    "key of its own. Without KEY the key is asked for and not shown.",
  examples: [[
    "Give one key",
    "operator raft snapshot unseal 6f1e1c0a-8a5f-4c5e-9f0e-0a6f6c1f7d11",
  ]],
  flags: [bool("reset", "Forget the keys that were given so far.")],
  words: [1, 2],
  output: "field",
  async run(call) {
    const client = await call.client();
    const body: JsonObject = call.flags.bool("reset")
      ? { reset: true }
      : { key: await keyShare(call, 1) };
    const secret = await call.during(
      "unsealing the snapshot",
      client.write(`${root}/${call.arg(0).trim()}/unseal`, body),
    );
    return await call.data(asObject(secret?.data));
  },
};

export const unload: Command = {
  usage: "[options] ID",
  about: "Lets go of a loaded snapshot. What was recovered from it stays.",
  examples: [["Unload it", "operator raft snapshot unload 6f1e1c0a-8a5f-4c5e-9f0e-0a6f6c1f7d11"]],
  flags: [bool("force", "Accepted for compatibility: nothing hinders it.")],
  words: [1, 1],
  async run(call) {
    const id = call.arg(0).trim();
    const client = await call.client();
    const query = call.flags.bool("force") ? [["force", "true"] as const] : [];
    await call.during("unloading the snapshot", client.delete(`${root}/${id}`, query));
    call.line(`Success! Unloaded the snapshot: ${id}`);
    return 0;
  },
};
