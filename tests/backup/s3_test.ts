/** Automated snapshots in a bucket: moto from PyPI keeps it, and checks who asks. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { surroundingsOf } from "../../src/snapshot/auto/credentials/testing.ts";
import { S3Target } from "../../src/snapshot/auto/s3_target.ts";
import type { S3Settings } from "../../src/snapshot/auto/settings.ts";
import { api, eventually, scratch } from "../../src/server/testing.ts";
import { call, makeCluster } from "../cluster/process_kit.ts";
import { skipUnless } from "../e2e/skip.ts";
import { freePort } from "./emulator.ts";
import { type Moto, startMoto } from "./moto.ts";
import { aNodeUses, keepsWhatItIsGiven, never, tellsThatNobodyAnswers } from "./promises.ts";

const bucket = "backups";

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
  const settings = settingsFor(moto);
  const target = new S3Target(settings, surroundingsOf());
  await keepsWhatItIsGiven(target);

  const wrong = { ...settings, aws_secret_access_key: "not-the-right-one" };
  const refused = new S3Target(wrong, surroundingsOf());
  const error = await assertRejects(() => refused.list(never), Error, "S3 answered 403");
  assert(!error.message.includes("not-the-right-one"));
  const gone = new S3Target({ ...settings, aws_s3_bucket: "gone" }, surroundingsOf());
  await assertRejects(() => gone.list(never), Error, "NoSuchBucket");
  const nobody = { ...settings, aws_s3_endpoint: `127.0.0.1:${freePort()}` };
  await tellsThatNobodyAnswers(new S3Target(nobody, surroundingsOf()));
  const keyless = { ...settings, aws_access_key_id: "", aws_secret_access_key: "" };
  await assertRejects(
    () => new S3Target(keyless, surroundingsOf()).list(never),
    Error,
    "no keys for S3",
  );
  const environment = {
    AWS_ACCESS_KEY_ID: moto.accessKeyId,
    AWS_SECRET_ACCESS_KEY: moto.secretAccessKey,
  };
  const byEnvironment = new S3Target(keyless, surroundingsOf(environment));
  assertEquals((await byEnvironment.list(never)).length, 1);
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assertRejects(() => target.list(stopped), Error, "stopped");
});

Deno.test("a node's snapshots go to a bucket, are verified there, and its keys stay hidden", async (t) => {
  await using moto = await startMoto(bucket);
  if (!skipUnless(t, moto !== undefined, "python3 and PyPI (moto)") || !moto) return;
  const settings = settingsFor(moto);
  const { url } = await aNodeUses(settings, ["aws_secret_access_key"]);
  const target = new S3Target(settings, surroundingsOf());
  assertEquals((await target.list(never)).length, 2);
  assertStringIncludes(url, `http://${moto.endpoint}/${bucket}/prod/node%20%26%20co/snap-`);
});

Deno.test("the newest snapshot is kept loaded where that is wanted, once an hour", async (t) => {
  await using moto = await startMoto(bucket);
  if (!skipUnless(t, moto !== undefined, "python3 and PyPI (moto)") || !moto) return;
  await using folder = await scratch();
  await using cluster = await makeCluster(folder.path, ["a"]);
  const { token, nodes: [a] } = cluster;
  assert(a !== undefined);
  await eventually(async () => (await api(a.address, "sys/mounts", { token })).status === 200);
  await call(a, "sys/mounts/one", { token, body: { type: "kv" } });
  await call(a, "one/x", { token, body: { value: "then" } });
  const path = "sys/storage/raft/snapshot-auto";
  const status = () => call(a, `${path}/status/far`, { token });
  const write = (name: string, body: object) =>
    api(a.address, `${path}/config/${name}`, { token, body: { ...body } });
  const settings = { ...settingsFor(moto), autoload_enabled: true };
  assertEquals((await write("far", settings)).status, 204);
  let id: unknown;
  await eventually(async () => {
    id = (await status()).at("data", "loaded_snapshot_id");
    return id !== undefined;
  }, () => a.process?.output() ?? "");
  const told = await status();
  assertEquals(told.at("data", "loaded_snapshot_status"), "ready");
  assertEquals(told.at("data", "loading_error"), undefined);
  const then = await api(a.address, `one/x?read_snapshot_id=${id}`, { token });
  assertEquals(then.at("data", "value"), "then");
  // The next one comes within the hour.
  const before = told.at("data", "last_success_time");
  assertEquals((await write("far", { retain: 3 })).status, 204);
  await eventually(async () => (await status()).at("data", "last_success_time") !== before);
  assertEquals((await status()).at("data", "loaded_snapshot_id"), id);

  const second = await write("other", settings);
  assertEquals(second.status, 400);
  assertStringIncludes(JSON.stringify(second.at("errors")), 'set for \\"far\\"');
  const local = { storage_type: "local", path_prefix: folder.path, local_max_space: 1e9 };
  const body = { ...local, interval: 60, autoload_enabled: true };
  assertEquals((await write("near", body)).status, 400);
});
