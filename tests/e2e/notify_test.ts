/** The built program tells the service manager how it is, as the unit expects of it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { TestNode } from "./node.ts";

/** The manager's end of NOTIFY_SOCKET. */
class Manager implements Disposable {
  readonly #socket: Deno.DatagramConn;
  readonly messages: string[] = [];

  constructor(readonly path: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
    this.#receive();
  }

  async #receive(): Promise<void> {
    for await (const [bytes] of this.#socket) this.messages.push(new TextDecoder().decode(bytes));
  }

  /** How many messages hold a line. */
  count(line: string): number {
    return this.messages.filter((message) => message.split("\n").includes(line)).length;
  }

  async saw(line: string, times = 1): Promise<void> {
    for (let waited = 0; waited < 10_000; waited += 20) {
      if (this.count(line) >= times) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`no ${line} (${times}) in ${JSON.stringify(this.messages)}`);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

Deno.test("ready, alive, reloading, stopping: told to NOTIFY_SOCKET by the main process", async () => {
  await using node = await TestNode.create();
  using manager = new Manager(`${node.folder}/notify`);
  const env = { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: "400000" };
  assertEquals(await node.start(env), undefined, node.output);

  await manager.saw("READY=1");
  const ready = manager.messages.find((message) => message.includes("READY=1")) ?? "";
  // The shell at the front of the executable has made way: the manager's child is the node.
  assertEquals(ready.match(/MAINPID=(\d+)/)?.[1], String(node.pid));
  assertMatch(ready, /STATUS=.+/);

  await manager.saw("WATCHDOG=1", 4);

  signal(node, "SIGHUP");
  await manager.saw("RELOADING=1");
  await manager.saw("READY=1", 2);
  const reloading = manager.messages.find((message) => message.includes("RELOADING=1")) ?? "";
  assertMatch(reloading, /MONOTONIC_USEC=\d+/);

  assertEquals(await node.stop("SIGTERM"), 0, node.output);
  await manager.saw("STOPPING=1");
});

function signal(node: TestNode, name: Deno.Signal): void {
  Deno.kill(node.pid, name);
}

Deno.test("a node whose event loop stands still is not said to be alive", async () => {
  await using node = await TestNode.create();
  using manager = new Manager(`${node.folder}/notify`);
  await node.start({ NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: "200000" });
  await manager.saw("WATCHDOG=1", 2);
  signal(node, "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = manager.count("WATCHDOG=1");
  await new Promise((resolve) => setTimeout(resolve, 500));
  assertEquals(manager.count("WATCHDOG=1"), before);
  signal(node, "SIGCONT");
  await manager.saw("WATCHDOG=1", before + 1);
  assert(before > 0);
});
