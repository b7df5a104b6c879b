/** Automated snapshots in a bucket: moto from PyPI keeps it, and checks who asks. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { S3Target } from "../../src/snapshot/auto/s3_target.ts";
import type { S3Settings } from "../../src/snapshot/auto/settings.ts";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import { call, makeCluster } from "../cluster/process_kit.ts";
import { skipUnless } from "../e2e/skip.ts";
import { type Moto, startMoto } from "./moto.ts";

const bucket = "backups";
const never = new AbortController().signal;

function settingsFor(moto: Moto): S3Settings {
  return {
    storage_type: "aws-s3",
    interval: 3600,
    retain: 2,
    path_prefix: "prod/node & co",
    file_prefix: "snap",
    aws_s3_bucket: bucket,
    aws_s3_region: "us-east-1",
    aws_access_key_id: moto.accessKeyId,
    aws_secret_access_key: moto.secretAccessKey,
    aws_session_token: "",
    aws_s3_endpoint: moto.endpoint,
    aws_s3_disable_tls: true,
    aws_s3_force_path_style: true,
    aws_s3_server_side_encryption: true,
    aws_s3_enable_kms: false,
    aws_s3_kms_key: "",
  };
}

Deno.test("a bucket keeps what it is given, in one part or many, for the right keys", async (t) => {
  await using moto = await startMoto(bucket);
  if (!skipUnless(t, moto !== undefined, "python3 and PyPI (moto)") || !moto) return;
  await using folder = await scratch();
  const settings = settingsFor(moto);
  const target = await S3Target.open(settings, () => undefined);
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
  assertEquals((await target.list(never)).length, 1);

  const wrong = { ...settings, aws_secret_access_key: "not-the-right-one" };
  const refused = await S3Target.open(wrong, () => undefined);
  const error = await assertRejects(() => refused.list(never), Error, "S3 answered 403");
  assert(!error.message.includes("not-the-right-one"));
  const gone = await S3Target.open({ ...settings, aws_s3_bucket: "gone" }, () => undefined);
  await assertRejects(() => gone.list(never), Error, "NoSuchBucket");
  const keyless = { ...settings, aws_access_key_id: "", aws_secret_access_key: "" };
  await assertRejects(() => S3Target.open(keyless, () => undefined), Error, "no keys for S3");
  const environment = new Map([
    ["AWS_ACCESS_KEY_ID", moto.accessKeyId],
    ["AWS_SECRET_ACCESS_KEY", moto.secretAccessKey],
  ]);
  const byEnvironment = await S3Target.open(keyless, (name) => environment.get(name));
  assertEquals((await byEnvironment.list(never)).length, 1);
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => target.list(stopped), Error, "stopped");
});

Deno.test("a node's snapshots go to a bucket, are verified there, and its keys stay hidden", async (t) => {
  await using moto = await startMoto(bucket);
  if (!skipUnless(t, moto !== undefined, "python3 and PyPI (moto)") || !moto) return;
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await eventually(async () => (await api(a.address, "sys/mounts", { token })).status === 200);
  const path = "sys/storage/raft/snapshot-auto";
  const settings = settingsFor(moto);
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
  const target = await S3Target.open(settings, () => undefined);
  assertEquals((await target.list(never)).length, 2);
  const status = await call(a, `${path}/status/far`, { token });
  assertEquals(status.at("data", "last_snapshot_error"), "");
  const url = String(status.at("data", "last_snapshot_url"));
  assertStringIncludes(url, `http://${moto.endpoint}/${bucket}/prod/node%20%26%20co/snap-`);
  const headers = { "x-vault-token": token };
  const shown = await (await fetch(`${a.address}/v1/${path}/config/far`, { headers })).text();
  for (const text of [shown, a.process?.output() ?? ""]) {
    assert(!text.includes(moto.secretAccessKey));
  }
  assertStringIncludes(shown, moto.accessKeyId);
});
