/** Nothing happens that is not recorded, and what is recorded gives no secret away. */
import { assert, assertEquals } from "@std/assert";
import type { AuditDevice } from "../../src/audit/device.ts";
import { startNode } from "./kit.ts";

class MemoryDevice implements AuditDevice {
  readonly lines: string[] = [];
  broken = false;

  write(line: string): Promise<void> {
    if (this.broken) return Promise.reject(new Error("no space left on device"));
    this.lines.push(line);
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
