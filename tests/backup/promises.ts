/** What every target must do, whoever keeps the files. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { SnapshotSettings } from "../../src/snapshot/auto/settings.ts";
import type { SnapshotTarget } from "../../src/snapshot/auto/target.ts";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import { call, makeCluster } from "../cluster/process_kit.ts";

export const never = new AbortController().signal;

/** For a target without files, whose `file_prefix` is "snap". Leaves one there. */
export async function keepsWhatItIsGiven(target: SnapshotTarget): Promise<void> {
  await using folder = await scratch();
  assertEquals(await target.list(never), []);
  for (const [name, bytes] of [["snap-1.snap", 1000], ["snap-2.snap", 40_000_003]] as const) {
    const content = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 65536) {
      crypto.getRandomValues(content.subarray(at, at + 65536));
    }
    const path = `${folder.path}/${name}`;
    await Deno.writeFile(path, content);
    await target.put(name, { path, bytes }, never);
    const back = await new Response(await target.read(name, never)).bytes();
    assertEquals(back.length, bytes);
    assert(back.every((byte, i) => byte === content[i]));
  }
  assertEquals(await target.list(never), [
    { name: "snap-1.snap", bytes: 1000 },
    { name: "snap-2.snap", bytes: 40_000_003 },
  ]);
  await target.remove("snap-1.snap", never);
  await target.remove("snap-1.snap", never);
  assertEquals((await target.list(never)).length, 1);
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => target.list(stopped), Error, "stopped");
}

/** For a target at which nobody answers: it tells so, and nothing of the URL's query. */
export async function tellsThatNobodyAnswers(target: SnapshotTarget): Promise<void> {
  const error = await assertRejects(() => target.list(never), Error, "can't be reached at");
  assertStringIncludes(error.message, "Connection refused");
  assert(!error.message.includes("?"), error.message);
}

/** A node makes three snapshots there, of which its settings keep two; the URL of the last. */
export async function aNodeUses(
  settings: SnapshotSettings,
  secrets: readonly string[],
): Promise<{ readonly url: string }> {
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await eventually(async () => (await api(a.address, "sys/mounts", { token })).status === 200);
  const path = "sys/storage/raft/snapshot-auto";
  let last = "";
  // A later write needs only what it changes: the secret is kept.
  for (const body of [settings, { retain: 2 }, { retain: 2 }]) {
    assertEquals((await call(a, `${path}/config/far`, { token, body })).status, 204);
    await eventually(async () => {
      const { at } = await api(a.address, `${path}/status/far`, { token });
      const told = String(at("data", "last_success_time") ?? "");
      const isNew = told !== last && told !== "";
      if (isNew) last = told;
      return isNew;
    }, () => a.process?.output() ?? "");
  }
  const status = await call(a, `${path}/status/far`, { token });
  assertEquals(status.at("data", "last_snapshot_error"), "");
  const headers = { "x-vault-token": token };
  const shown = await (await fetch(`${a.address}/v1/${path}/config/far`, { headers })).text();
  const all = new Map<string, unknown>(Object.entries(settings));
  for (const name of secrets) {
    const secret = String(all.get(name));
    assert(secret.length > 8);
    for (const text of [shown, a.process?.output() ?? ""]) assert(!text.includes(secret));
  }
  return { url: String(status.at("data", "last_snapshot_url")) };
}
