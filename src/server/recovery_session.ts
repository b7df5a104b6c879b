/** The front of a node in recovery mode, with an audit file of its own for the session. */
import { describeError } from "../base/failure.ts";
import { version } from "../base/version.ts";
import type { Platform } from "../core/backend.ts";
import type { Node } from "../core/node.ts";
import { RecoveryFront } from "../system/recovery/front.ts";
import { type AuditFile, SessionAudit } from "../system/recovery/session_audit.ts";

export interface RecoverySession {
  readonly front: RecoveryFront;
  /** Writes the end of the session. */
  end(): Promise<void>;
}

/** `folder` is the node's data directory; "" puts the file into the system's for temporary ones. */
export async function openRecoverySession(
  node: Node,
  folder: string,
  { clock, log }: Platform,
): Promise<RecoverySession> {
  const parent = folder === "" ? await Deno.makeTempDir({ prefix: "holdfast-" }) : folder;
  const file = await createAuditFile(`${parent}/recovery-audit`, new Date(clock.now()));
  const audit = new SessionAudit(file, clock);
  await audit.note("begin", { version, process: Deno.pid, ...node.raftIndexes() });
  log.warn("this recovery session is recorded in a file of its own", { path: file.path });
  return {
    front: new RecoveryFront(node, audit),
    async end() {
      try {
        await audit.end();
      } catch (error) {
        log.error("the end of the session was not recorded", { error: describeError(error) });
      }
      file.close();
    },
  };
}

/** Never one that is there already: a session's file holds that session alone. */
async function createAuditFile(folder: string, now: Date): Promise<AuditFile> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const time = now.toISOString().replace(/[-:]|\.\d+/g, "");
  const path = `${folder}/${time}-${Deno.pid}.jsonl`;
  const file = await Deno.open(path, { append: true, createNew: true, mode: 0o600 });
  let last: Promise<void> = Promise.resolve();
  return {
    path,
    append(text) {
      const write = async () => {
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
        await file.syncData();
      };
      // Lines stand whole, one after another.
      const done = last.then(write);
      last = done.catch(() => {});
      return done;
    },
    close: () => file.close(),
  };
}
