/** Moving a mount is work in the background of the node: start it, then watch it. */
import type { Call } from "../call.ts";
import { toSecret } from "../client/secret.ts";
import { sleep } from "../../base/clock.ts";
import { CommandError } from "../errors.ts";
import { asObject, asText } from "../json.ts";

const pollMs = 250;

/** `kind` is "secrets engine" or "auth method". */
export async function moveMount(call: Call, kind: string): Promise<number> {
  const [from, to] = [slashed(call.arg(0)), slashed(call.arg(1))];
  const doing = `moving ${kind} ${from} to ${to}`;
  const client = await call.client();
  const started = await call.during(
    doing,
    client.write("sys/remount", { from, to }, "POST"),
  );
  const id = asText(asObject(started?.data).migration_id);
  if (id === "") {
    call.line(`Success! Moved ${kind} ${from} to ${to}`);
    return 0;
  }
  call.line(`Started moving ${kind} ${from} to ${to}, with migration ID ${id}`);
  call.line(`Waiting for the end of moving ${kind} ${from} to ${to}, with migration ID ${id}`);
  while (true) {
    const answer = await call.during(
      doing,
      client.send({ method: "GET", path: `sys/remount/status/${id}` }),
    );
    const info = asObject(asObject(toSecret(answer.json)?.data).migration_info);
    const status = asText(info.status);
    if (status === "success") break;
    if (status === "failure") {
      throw new CommandError(`Error ${doing}: the node reports a failure, see its log`, 2);
    }
    await sleep(call.io.clock, pollMs);
  }
  call.line(`Success! Finished moving ${kind} ${from} to ${to}, with migration ID ${id}`);
  return 0;
}

/** Mount paths end with a slash. */
export function slashed(path: string): string {
  return `${path.trim().replace(/^\/+|\/+$/g, "")}/`;
}
