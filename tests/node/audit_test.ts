/** Nothing happens that is not recorded, and what is recorded gives no secret away. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { DeclaredDevice } from "../../src/audit/declared.ts";
import type { AuditDevice } from "../../src/audit/device.ts";
import { NotAnswered } from "../../src/core/not_answered.ts";
import { handleRequest } from "../../src/core/pipeline.ts";
import { settle } from "../../src/core/testing/kit.ts";
import { rootNamespace } from "../../src/logical/namespace.ts";
import type { Request } from "../../src/logical/request.ts";
import { Front } from "../../src/system/node/front.ts";
import { startNode } from "./kit.ts";

class MemoryDevice implements AuditDevice {
  readonly lines: string[] = [];
  broken = false;

  write(lines: readonly string[]): Promise<void> {
    if (this.broken) return Promise.reject(new Error("no space left on device"));
    this.lines.push(...lines);
    return Promise.resolve();
  }
  reopen(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function withDevices(count: number) {
  const devices: MemoryDevice[] = [];
  const opened = () => {
    const device = new MemoryDevice();
    devices.push(device);
    return Promise.resolve(device);
  };
  const kit = await startNode({ auditDevices: { file: opened } });
  for (let i = 0; i < count; i++) {
    await kit.ask("update", `sys/audit/d${i}`, { data: { type: "file", options: {} } });
  }
  return { kit, devices };
}

Deno.test("every request and answer has a line, refused ones too, and no secret is in any", async () => {
  const { kit, devices: [device] } = await withDevices(1);
  assert(device !== undefined);
  const token = await kit.token({ policies: ["default"] });
  await kit.ask("update", "cubbyhole/a", { token, data: { password: "hunter2-secret" } });
  await kit.ask("read", "cubbyhole/a", { token });
  await kit.status("read", "sys/mounts", { token });
  await kit.status("read", "sys/mounts", { token: "guessed-token-text" });
  const log = device.lines.join("");
  for (const secret of ["hunter2-secret", token, kit.root, "guessed-token-text"]) {
    assert(!log.includes(secret), "a secret is in the audit log");
  }
  const entries = device.lines.map((line) => JSON.parse(line));
  const paths = (type: string) =>
    entries.filter((e) => e.type === type).map((e) => `${e.request.operation} ${e.request.path}`);
  for (const line of ["create cubbyhole/a", "read cubbyhole/a", "read sys/mounts"]) {
    assert(paths("request").includes(line) && paths("response").includes(line), line);
  }
  const denied = entries.filter((e) => e.request.path === "sys/mounts");
  assert(denied.every((e) => String(e.error).includes("permission denied")));
});

Deno.test("a line tells which policies have allowed the request, or that none did", async () => {
  const { kit, devices: [device] } = await withDevices(1);
  for (const [name, words] of [["p1", '"read", "update"'], ["p2", '"read"']]) {
    const policy = `path "sys/mounts" { capabilities = [${words}] }`;
    await kit.ask("update", `sys/policies/acl/${name}`, { data: { policy } });
  }
  const token = await kit.token({ policies: ["p1", "p2"] });
  await kit.status("read", "sys/mounts", { token });
  await kit.status("update", "sys/mounts", { token });
  await kit.status("list", "sys/policies/acl", { token });
  await kit.status("read", "sys/seal-config");
  const entries = (device?.lines ?? []).map((line) => JSON.parse(line)).slice(-8);
  const results = entries.map(({ type, auth }) => [type, auth.policy_results]);
  const granted = (...names: string[]) => ({
    allowed: true,
    granting_policies: names.map((name) => ({ name, namespace_id: "root", type: "acl" })),
  });
  const both = (value: unknown) => [["request", value], ["response", value]];
  assertEquals(results, [
    ...both(granted("p1", "p2")),
    ...both(granted("p1")),
    ...both({ allowed: false }),
    ...both(granted("root")),
  ]);
});

Deno.test("sys/health warns of a device that fails while another still records", async () => {
  const { kit, devices: [device] } = await withDevices(2);
  const front = new Front(kit.node);
  const health = async () => {
    const { clock, random } = kit;
    const request: Request = {
      id: random.uuid(),
      operation: "read",
      namespace: rootNamespace,
      path: "sys/health",
      data: {},
      headers: { get: () => null },
      clientToken: "",
      connection: { remoteAddress: "127.0.0.1", remotePort: 1 },
      method: "GET",
    };
    await front.handle(request);
    await settle();
    const answer = await front.handle(request);
    await clock.advance(10_000);
    const { raw } = answer ?? {};
    return [raw?.status, JSON.parse(String(raw?.body)).warnings];
  };
  assertEquals(await health(), [200, undefined]);
  if (device !== undefined) device.broken = true;
  await kit.ask("read", "sys/mounts");
  assertEquals(await health(), [200, ["an audit device fails; see sys/audit"]]);
  if (device !== undefined) device.broken = false;
  await kit.ask("read", "sys/mounts");
  assertEquals(await health(), [200, undefined]);
});

Deno.test("a value can be searched for by its hash", async () => {
  const { kit, devices: [device] } = await withDevices(1);
  const token = await kit.token({ policies: ["default"] });
  await kit.ask("update", "cubbyhole/a", { token, data: { k: "findme" } });
  const { data } = await kit.ask("update", "sys/audit-hash/d0", { data: { input: "findme" } });
  assert(device?.lines.some((line) => line.includes(String(data?.hash))));
});

Deno.test("what no device can record is refused and changes nothing", async () => {
  const { kit, devices } = await withDevices(2);
  const token = await kit.token({ policies: ["default"] });
  for (const device of devices) device.broken = true;
  const write = () => kit.status("update", "cubbyhole/a", { token, data: { k: "v" } });
  assertEquals(await write(), 500);
  for (const device of devices) device.broken = false;
  assertEquals(await kit.status("read", "cubbyhole/a", { token }), 404);
});

Deno.test("one device that works is enough", async () => {
  const { kit, devices } = await withDevices(2);
  const [first] = devices;
  assert(first !== undefined);
  first.broken = true;
  assertEquals(await kit.status("read", "sys/mounts"), 200);
});

async function startFiltering(options: readonly Record<string, string>[]) {
  const { kit, devices } = await withDevices(0);
  for (const [i, one] of options.entries()) {
    await kit.ask("update", `sys/audit/d${i}`, { data: { type: "file", options: one } });
  }
  await kit.ask("update", "cubbyhole/a", { data: { k: "v" } });
  await kit.ask("read", "cubbyhole/a");
  await kit.ask("read", "sys/mounts");
  return { kit, devices };
}

const pathsOf = (device: MemoryDevice | undefined, type = "request") =>
  (device?.lines ?? []).map((line) => JSON.parse(line)).filter((e) => e.type === type)
    .map(({ request }) => `${request.operation} ${request.path}`);

Deno.test("a filter chooses, and the fallback takes what nobody chose", async () => {
  const { kit, devices: [reads, fallback] } = await startFiltering([
    { filter: "operation == read and mount_type == cubbyhole" },
    { fallback: "true" },
  ]);
  assertEquals(pathsOf(reads), ["update sys/audit/test", "read cubbyhole/a"]);
  assertEquals(pathsOf(fallback).slice(1), ["create cubbyhole/a", "read sys/mounts"]);
  const second = { type: "file", options: { fallback: "true" } };
  assertEquals(await kit.status("update", "sys/audit/d2", { data: second }), 400);
  const both = { type: "file", options: { fallback: "true", filter: "path == x" } };
  assertEquals(await kit.status("update", "sys/audit/d2", { data: both }), 400);
});

Deno.test("a device leaves out what it was told to, and writes JSONx", async () => {
  const { devices: [cut, xml] } = await startFiltering([
    { exclude: JSON.stringify([{ fields: ["/request/remote_address", "/auth"] }]) },
    { format: "jsonx" },
  ]);
  const entry = JSON.parse(cut?.lines.at(-1) ?? "");
  assertEquals([entry.auth, entry.request.remote_address], [undefined, undefined]);
  assert(entry.request.path !== undefined);
  const line = xml?.lines.at(-1) ?? "";
  assert(line.startsWith('<json:object xmlns:json="http://www.ibm.com/xmlns/prod/2009/jsonx">'));
  assert(line.includes('<json:string name="path">sys/mounts</json:string>'));
});

Deno.test("options that make no sense are refused, and nothing is enabled", async () => {
  const { kit } = await withDevices(0);
  const wrong: readonly Record<string, string>[] = [
    { log_raw: "maybe" },
    { format: "xml" },
    { filter: "path ==" },
    { exclude: "{}" },
    { prefix: "ce: " },
  ];
  for (const options of wrong) {
    const data = { type: "file", options };
    assertEquals(await kit.status("update", "sys/audit/x", { data }), 400);
  }
  assertEquals((await kit.ask("read", "sys/audit")).data, {});
});

Deno.test("a device tells how it is, and a refusal names it and the reason", async () => {
  const { kit, devices: [device] } = await withDevices(1);
  assert(device !== undefined);
  device.broken = true;
  const error = await assertRejects(() => kit.ask("read", "sys/mounts"), Error);
  assert(error.message.includes("device d0/: no space left on device"));
  device.broken = false;
  const { data } = await kit.ask("read", "sys/audit/d0");
  const { failed, error: last } = Object(data?.state);
  assertEquals([failed, last], [2, null]);
});

Deno.test("declared devices come and go with the configuration, and the API can't take them", async () => {
  const device = new MemoryDevice();
  const rules = { allowPrefix: true, allowApi: false, declared: [] as DeclaredDevice[] };
  const entry = { type: "file", description: "", local: false, options: { prefix: "x" } };
  rules.declared = [{ ...entry, path: "main/" }];
  const kit = await startNode({
    auditDevices: { file: () => Promise.resolve(device) },
    auditRules: () => rules,
  });
  await kit.ask("read", "sys/mounts");
  assert(device.lines.at(-1)?.startsWith('x{"time"'));
  assertEquals(Object.keys((await kit.ask("read", "sys/audit")).data ?? {}), ["main/"]);
  assertEquals(await kit.status("delete", "sys/audit/main"), 400);
  assertEquals(await kit.status("update", "sys/audit/b", { data: { type: "file" } }), 400);
  const { audit, transactions } = kit.node.services;
  rules.declared = [{ ...entry, path: "main/", options: {} }];
  await audit.applyDeclared(transactions);
  await kit.ask("read", "sys/mounts");
  assert(device.lines.at(-1)?.startsWith('{"time"'));
  rules.declared = [];
  await audit.applyDeclared(transactions);
  const before = device.lines.length;
  await kit.ask("read", "sys/mounts");
  assertEquals(device.lines.length, before);
  assertEquals((await kit.ask("read", "sys/audit")).data, {});
});

Deno.test("a request that another node has to answer is recorded there, and counted there", async () => {
  const { kit, devices: [device] } = await withDevices(1);
  const token = await kit.token({ policies: ["default"], num_uses: 1 });
  const before = device?.lines.length;
  const request: Request = {
    id: kit.random.uuid(),
    operation: "read",
    namespace: rootNamespace,
    path: "auth/token/lookup-self",
    data: {},
    headers: { get: () => null },
    clientToken: token,
    connection: { remoteAddress: "127.0.0.1", remotePort: 1234 },
    method: "GET",
  };
  const notHere = () => {
    throw new NotAnswered("the token's use must be counted");
  };
  await assertRejects(() => handleRequest(kit.node.services, request, notHere), NotAnswered);
  assertEquals(device?.lines.length, before);
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 200);
  assertEquals(await kit.status("read", "auth/token/lookup-self", { token }), 403);
});
