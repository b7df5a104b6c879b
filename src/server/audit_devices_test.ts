/** Audit devices on real files and sockets. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { AuditDevice } from "../audit/device.ts";
import { ManualClock } from "../core/testing/kit.ts";
import { systemClock } from "../base/clock.ts";
import { auditDevices, auditFiles, connectToLog } from "./audit_devices.ts";
import { fileDevices } from "../audit/file_device.ts";
import { syslogDevices } from "../audit/syslog_device.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function open(
  type: string,
  options: Record<string, string>,
  clock = systemClock,
): Promise<AuditDevice> {
  const opener = auditDevices(clock)[type];
  assert(opener !== undefined);
  return await opener(options);
}

Deno.test("a file that was moved away or removed is begun anew within a second", () =>
  withFolder(async (folder) => {
    const path = `${folder}/audit.log`;
    const clock = new ManualClock();
    const device = await open("file", { file_path: path }, clock);
    await device.write(["1\n"]);
    await Deno.rename(path, `${path}.1`);
    await device.write(["2\n"]);
    await clock.advance(1000);
    await device.write(["3\n"]);
    await Deno.remove(path);
    await clock.advance(1000);
    await device.write(["4\n"]);
    assertEquals(await Deno.readTextFile(`${path}.1`), "1\n2\n");
    assertEquals(await Deno.readTextFile(path), "4\n");
    await device.close();
  }));

Deno.test("while the file can't be opened anew every line fails, none goes to the old file", () =>
  withFolder(async (folder) => {
    const path = `${folder}/audit.log`;
    const clock = new ManualClock();
    const device = await open("file", { file_path: path }, clock);
    await device.write(["1\n"]);
    await Deno.rename(path, `${path}.1`);
    await Deno.mkdir(path);
    await clock.advance(1000);
    for (let i = 0; i < 2; i++) await assertRejects(() => device.write(["2\n"]), Error);
    await Deno.remove(path);
    await device.write(["3\n"]);
    assertEquals(await Deno.readTextFile(`${path}.1`), "1\n");
    assertEquals(await Deno.readTextFile(path), "3\n");
    await device.close();
  }));

Deno.test("SIGHUP opens a moved file anew at once", () =>
  withFolder(async (folder) => {
    const path = `${folder}/audit.log`;
    const device = await open("file", { file_path: path });
    await device.write(["1\n"]);
    await Deno.rename(path, `${path}.1`);
    await device.reopen();
    await device.write(["2\n"]);
    assertEquals(await Deno.readTextFile(path), "2\n");
    await device.close();
  }));

Deno.test("a file rotates by size and age, and as many old ones are kept as asked for", () =>
  withFolder(async (folder) => {
    const path = `${folder}/audit.log`;
    const clock = new ManualClock();
    const options = { file_path: path, max_bytes: "10", max_duration: "1h", max_files: "2" };
    const device = await open("file", options, clock);
    for (let i = 0; i < 5; i++) {
      await clock.advance(1);
      await device.write([`line ${i}\n`]);
    }
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(names.length, 3);
    assert(names.every((name) => /^audit(-\d+)?\.log$/.test(name)));
    assertEquals(await Deno.readTextFile(path), "line 4\n");
    await device.close();
  }));

Deno.test("permissions are as asked for, 0000 leaves them, and none makes a program of it", () =>
  withFolder(async (folder) => {
    const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
    const path = `${folder}/a`;
    await (await open("file", { file_path: path })).close();
    assertEquals(await modeOf(path), 0o600);
    await (await open("file", { file_path: path, mode: "0640" })).close();
    assertEquals(await modeOf(path), 0o640);
    await (await open("file", { file_path: path, mode: "0000" })).close();
    assertEquals(await modeOf(path), 0o640);
    for (const mode of ["0755", "rw", "9"]) {
      await assertRejects(() => open("file", { file_path: path, mode }), Error, "mode must");
    }
    await assertRejects(() => open("file", { file_path: path, mdoe: "0600" }), Error, "mdoe");
    await assertRejects(() => open("file", { file_path: `${folder}/no/x` }), Error, "opened");
  }));

Deno.test("a full disk fails the write", async () => {
  const device = await open("file", { file_path: "/dev/full", mode: "0000" });
  await assertRejects(() => device.write(["x\n"]), Error, "No space left");
  await device.close();
});

Deno.test("a line that was cut off by a full disk does not spoil the next one", async () => {
  let written = "";
  let room = 5;
  const write = (bytes: Uint8Array) => {
    if (room === 0) return Promise.reject(new Error("No space left"));
    const taken = text(bytes.subarray(0, room));
    written += taken;
    room -= taken.length;
    return Promise.resolve(taken.length);
  };
  const file = { write, close() {}, size: 0, since: 0, identity: "1" };
  const files = { ...auditFiles, open: () => Promise.resolve(file) };
  const device = await fileDevices(files, new ManualClock())({ file_path: "/x" });
  await assertRejects(() => device.write(["a long line\n"]), Error, "No space left");
  room = 100;
  await device.write(["next\n"]);
  assertEquals(written, "a lon\nnext\n");
});

for (const type of ["tcp", "unix"] as const) {
  Deno.test(`a socket device by ${type} connects again when the other side was restarted`, () =>
    withFolder(async (folder) => {
      const listen = (port: number) =>
        type === "tcp"
          ? Deno.listen({ hostname: "127.0.0.1", port })
          : Deno.listen({ transport: "unix", path: `${folder}/s` });
      const read = async (listener: Deno.Listener) => {
        const conn = await listener.accept();
        const buffer = new Uint8Array(100);
        const got = text(buffer.subarray(0, await conn.read(buffer) ?? 0));
        conn.close();
        listener.close();
        return got;
      };
      const first = listen(0);
      const { addr } = first;
      const port = addr.transport === "tcp" ? addr.port : 0;
      const address = type === "tcp" ? `127.0.0.1:${port}` : `${folder}/s`;
      const reading = read(first);
      const device = await open("socket", { address, socket_type: type });
      await device.write(["one\n"]);
      assertEquals(await reading, "one\n");
      await new Promise((resolve) => setTimeout(resolve, 50));
      await assertRejects(() => device.write(["lost\n"]), Error);
      const again = read(listen(port));
      await device.write(["two\n", "three\n"]);
      assertEquals(await again, "two\nthree\n");
      await device.close();
    }));
}

Deno.test("a socket device by UDP sends a datagram a line, and says so when one is too long", async () => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  assert(socket.addr.transport === "udp");
  const device = await open("socket", {
    address: `127.0.0.1:${socket.addr.port}`,
    socket_type: "udp",
  });
  await device.write(["one\n", "two\n"]);
  assertEquals(text((await socket.receive())[0]), "one\n");
  assertEquals(text((await socket.receive())[0]), "two\n");
  await assertRejects(() => device.write(["x".repeat(100_000)]), Error, "too long");
  await device.close();
  socket.close();
});

Deno.test("a program that reads no more is given up after write_timeout", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert(listener.addr.transport === "tcp");
  const accepted = listener.accept();
  const device = await open("socket", {
    address: `127.0.0.1:${listener.addr.port}`,
    write_timeout: "100ms",
  });
  await assertRejects(() => device.write(["x".repeat(32 << 20)]), Error, "write_timeout");
  (await accepted).close();
  listener.close();
  await device.close();
});

Deno.test("syslog gets facility, tag and all of a long line, and is found again after its restart", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log`;
    const listen = () => Deno.listenDatagram({ transport: "unixpacket", path });
    let log = listen();
    const opener = syslogDevices(() => connectToLog([path]), systemClock, 42);
    const device = await opener({ facility: "LOCAL3", tag: "hf", max_message_size: "500" });
    await device.write(["short\n"]);
    assertEquals(
      text((await log.receive())[0]).replace(/[A-Z][a-z]{2} [ \d]\d [\d:]{8}/, "TIME"),
      "<158>TIME hf[42]: short",
    );
    await device.write([`${"a".repeat(700)}\n`]);
    const parts = [text((await log.receive())[0]), text((await log.receive())[0])];
    assertEquals(parts.map((part) => part.replace(/^.*: \[/, "[")), [
      `[1/2] ${"a".repeat(500)}`,
      `[2/2] ${"a".repeat(200)}`,
    ]);
    log.close();
    await Deno.remove(path);
    await assertRejects(() => device.write(["lost\n"]), Error);
    log = listen();
    await device.write(["back\n"]);
    assert(text((await log.receive())[0]).endsWith("back"));
    await device.close();
    log.close();
    await assertRejects(() => opener({ facility: "NOPE" }), Error, "facility");
  }));
