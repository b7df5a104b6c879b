/** -snapshot-id, which makes a command look into a loaded snapshot. */
import { type Flag, text } from "../args/flag.ts";
import type { Call } from "../call.ts";

export const snapshotFlag: Flag = text(
  "snapshot-id",
  "Look into this loaded snapshot (operator raft snapshot load) in place of what is stored now.",
  { placeholder: "id" },
);

/** The query parameter that says so; nothing where the flag is not given. */
export function snapshotQuery(call: Call): [string, string][] {
  const id = call.flags.text(snapshotFlag.name).trim();
  return id === "" ? [] : [["read_snapshot_id", id]];
}
