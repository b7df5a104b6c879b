/** TLS: certificates are exchanged without a pause, bad clients are cut, certificates passed on. */
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import { systemClock, systemRandom } from "../base/clock.ts";
import { type DevCertificate, makeDevCertificate } from "./dev_tls.ts";
import { eventually, freePort, rawConnection, scratch, spawn, startServer } from "./testing.ts";

function config(port: number, tls: DevCertificate, listener = ""): string {
  return `storage "inmem" {}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_cert_file = "${tls.certPath}"
  tls_key_file = "${tls.keyPath}"
  http_read_header_timeout = "600ms"
  ${listener}
}
`;
}

const make = (path: string) => makeDevCertificate(path, [], systemClock, systemRandom);

/** Connects, and resolves when the handshake is over. */
function handshake(port: number, options: object = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      rejectUnauthorized: false,
      servername: "localhost",
      ...options,
    });
    socket.once("secureConnect", () => resolve(socket));
    socket.once("error", reject);
  });
}

async function serial(port: number): Promise<string> {
  const socket = await handshake(port);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

function serialOf({ certPath }: DevCertificate): string {
  return new X509Certificate(Deno.readTextFileSync(certPath)).serialNumber;
}

async function ask(port: number, ca: DevCertificate): Promise<number> {
  const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(ca.caPath)] });
  try {
    const response = await fetch(`https://127.0.0.1:${port}/v1/sys/seal-status`, { client });
    await response.body?.cancel();
    return response.status;
  } finally {
    client.close();
  }
}

for (const [kind, listener] of [["Deno", ""], ["Node", 'tls_min_version = "tls13"']] as const) {
  Deno.test(`a reload exchanges the certificate, on ${kind}'s listener`, async () => {
    await using folder = await scratch();
    const port = freePort();
    const first = await make(`${folder.path}/tls`);
    await Deno.writeTextFile(`${folder.path}/a.hcl`, config(port, first, listener));
    await using server = await startServer(`${folder.path}/a.hcl`);
    const before = serialOf(first);
    assertEquals(await serial(port), before);
    assertEquals(await ask(port, first), 200);
    const second = await make(`${folder.path}/tls`);
    let refused = 0;
    let asking = true;
    const busy = (async () => {
      while (asking) await serial(port).catch(() => refused++);
    })();
    server.signal("SIGHUP");
    await eventually(async () => await serial(port) === serialOf(second));
    asking = false;
    await busy;
    assertEquals(refused, 0);
    assert(before !== serialOf(second));
    assertEquals(await ask(port, second), 200);
    // A key that does not fit leaves everything as it is.
    await Deno.writeTextFile(second.keyPath, "nonsense");
    server.signal("SIGHUP");
    await server.saw("the old one stays");
    assertEquals(await ask(port, second), 200);
  });
}

Deno.test("what is no TLS is cut, also when it stays silent", async () => {
  await using folder = await scratch();
  const port = freePort();
  const tls = await make(`${folder.path}/tls`);
  await Deno.writeTextFile(`${folder.path}/a.hcl`, config(port, tls));
  await using _server = await startServer(`${folder.path}/a.hcl`);
  const garbage = await rawConnection(port);
  await garbage.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const silent = await rawConnection(port);
  const binary = await rawConnection(port);
  await binary.send("\u0016\u0003\u0001\u00ff\u00ff nonsense");
  for (const one of [garbage, silent, binary]) {
    assertLess((await one.untilClosed()).afterMs, 1500);
    one.close();
  }
  assertEquals(await ask(port, tls), 200);
});

Deno.test("a listener that needs client certificates refuses clients without", async () => {
  await using folder = await scratch();
  const port = freePort();
  const tls = await make(`${folder.path}/tls`);
  const listener = `tls_require_and_verify_client_cert = true
  tls_client_ca_file = "${tls.caPath}"`;
  await Deno.writeTextFile(`${folder.path}/a.hcl`, config(port, tls, listener));
  await using _server = await startServer(`${folder.path}/a.hcl`);
  const caCerts = [await Deno.readTextFile(tls.caPath)];
  const cert = await Deno.readTextFile(tls.certPath);
  const key = await Deno.readTextFile(tls.keyPath);
  const url = `https://127.0.0.1:${port}/v1/sys/seal-status`;
  const known = Deno.createHttpClient({ caCerts, cert, key });
  const response = await fetch(url, { client: known });
  assertEquals(response.status, 200);
  await response.body?.cancel();
  known.close();
  const stranger = Deno.createHttpClient({ caCerts });
  const refused = await fetch(url, { client: stranger }).then(() => false, () => true);
  assert(refused);
  stranger.close();
});

Deno.test("a dev server speaks TLS with a certificate for this machine", async () => {
  await using folder = await scratch();
  const port = freePort();
  await using server = spawn([
    "server",
    "-dev-tls",
    `-dev-tls-cert-dir=${folder.path}`,
    "-dev-tls-san=vault.example",
    `-dev-listen-address=127.0.0.1:${port}`,
    "-dev-no-store-token",
  ]);
  await server.saw("Root Token: ");
  assertStringIncludes(server.output(), `VAULT_CACERT=${folder.path}/holdfast-ca.pem`);
  const paths = {
    caPath: `${folder.path}/holdfast-ca.pem`,
    certPath: `${folder.path}/holdfast-cert.pem`,
    keyPath: `${folder.path}/holdfast-key.pem`,
  };
  assertEquals(await ask(port, paths), 200);
  const leaf = new X509Certificate(await Deno.readTextFile(paths.certPath));
  assertStringIncludes(leaf.subjectAltName ?? "", "DNS:vault.example");
});

Deno.test("a second process is refused the port of a TLS listener", async () => {
  await using folder = await scratch();
  const port = freePort();
  const tls = await make(`${folder.path}/tls`);
  await Deno.writeTextFile(`${folder.path}/a.hcl`, config(port, tls));
  await using _server = await startServer(`${folder.path}/a.hcl`);
  await using second = spawn(["server", `-config=${folder.path}/a.hcl`]);
  assertEquals(await second.ended, 1);
  assertStringIncludes(second.output(), "it is in use by another process");
});

Deno.test({
  name: "a client that keeps its connection does not notice an exchange of certificates",
  ignore: Deno.env.get("HOLDFAST_SLOW") === undefined,
  async fn() {
    await using folder = await scratch();
    const port = freePort();
    const tls = await make(`${folder.path}/tls`);
    await Deno.writeTextFile(`${folder.path}/a.hcl`, config(port, tls));
    await using server = await startServer(`${folder.path}/a.hcl`);
    const caCerts = [await Deno.readTextFile(tls.caPath)];
    await make(`${folder.path}/other`);
    for (const name of ["cert", "key"]) {
      await Deno.copyFile(
        `${folder.path}/other/holdfast-${name}.pem`,
        `${folder.path}/tls/holdfast-${name}.pem`,
      );
    }
    caCerts.push(await Deno.readTextFile(`${folder.path}/other/holdfast-ca.pem`));
    for (const http2 of [true, false]) {
      const client = Deno.createHttpClient({ caCerts, http2 });
      const until = performance.now() + 4000;
      setTimeout(() => server.signal("SIGHUP"), 300);
      while (performance.now() < until) {
        const response = await fetch(`https://127.0.0.1:${port}/v1/sys/seal-status`, { client });
        assertEquals(response.status, 200);
        await response.body?.cancel();
      }
      client.close();
    }
    await server.saw("uses another certificate");
  },
});
