/** A port that closes lets go of everybody, whatever they are at. */
import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { sleep, systemClock, systemRandom } from "../../base/clock.ts";
import { silentLogger } from "../../base/log.ts";
import { freePortIn } from "../../base/testing.ts";
import { makeKeyring, tlsOf } from "../../ha/tls_keyring.ts";
import { ClusterPort } from "./cluster_port.ts";
import { RAFT_PROTOCOL } from "./cluster_tls.ts";

Deno.test("who proves itself only after the farewell is not let in, nor waited for", async () => {
  const tls = tlsOf(await makeKeyring(systemClock, systemRandom));
  const port = new ClusterPort(silentLogger, systemClock);
  let answered = 0;
  port.answer(RAFT_PROTOCOL, () => answered += 1);
  const at = freePortIn(21_200, 100);
  await port.listen([{ host: "127.0.0.1", port: at }], tls);
  const socket = connect(at, "127.0.0.1");
  await once(socket, "connect");
  await sleep(systemClock, 50);
  const closed = port.close();
  await sleep(systemClock, 700);
  const late = connectTls({
    socket,
    cert: tls.certificate,
    key: tls.key,
    ca: [...tls.trusted],
    ALPNProtocols: [RAFT_PROTOCOL],
    checkServerIdentity: () => undefined,
  });
  late.on("error", () => {});
  const patience = sleep(systemClock, 3000).then(() => "waited for");
  assertEquals(await Promise.race([closed.then(() => "closed"), patience]), "closed");
  assertEquals(answered, 0);
  late.destroy();
  socket.destroy();
});
