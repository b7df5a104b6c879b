/** Large answers that nobody takes do not gather in memory, and who reads gets theirs. */
import { assertEquals, assertLess } from "@std/assert";
import { systemClock as clock } from "../base/clock.ts";
import { silentLogger as log } from "../base/log.ts";
import { writeResponse } from "../http/write_response.ts";
import { DenoListener } from "./deno_listener.ts";
import { openLibc } from "./libc.ts";
import { Sweeper } from "./sweeper.ts";
import { LinuxSocketTable } from "./tcp_sockets.ts";
import { eventually, freePort } from "./testing.ts";

const answerSize = 16 * 1024 * 1024;
/** Their answers are three times what may wait. */
const clients = 24;
const waitingMax = 160 * 1024 * 1024;

Deno.test("clients that don't read large answers are cut before their answers fill the memory", async () => {
  const libc = openLibc();
  if (libc === undefined) return;
  const sweeper = new Sweeper(new LinuxSocketTable(libc), 1000, clock, log);
  const { connections } = sweeper;
  const port = freePort();
  const listener = new DenoListener({
    at: { host: "127.0.0.1", port },
    door: {
      handle: () => {
        const data = { text: "x".repeat(answerSize) };
        return Promise.resolve(writeResponse("", "read", { data }));
      },
    },
    sweeper,
    limits: { headerMs: 0, idleMs: 0, writeMs: 0 },
    tls: undefined,
    clock,
    log,
  });
  const held: Deno.Conn[] = [];
  let most = 0;
  try {
    for (let n = 0; n < clients; n++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      held.push(connection);
      await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
      await new Promise((resolve) => setTimeout(resolve, 60));
      most = Math.max(most, connections.unsent);
    }
    await eventually(() => connections.unsent <= waitingMax / 2);
    assertLess(most, waitingMax);
    const read = await fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());
    assertEquals(read.includes("x".repeat(answerSize)), true);
  } finally {
    for (const connection of held) connection.close();
    await listener.stop(100);
  }
  assertEquals(connections.unsent, 0, "nothing is counted for ever");
});
