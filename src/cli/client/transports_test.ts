/** Real connections: plain, over a unix socket, and with TLS in all its settings. */
import { assertEquals, assertRejects } from "@std/assert";
import https from "node:https";
import { CommandError, TransportError } from "../errors.ts";
import { fakeIo } from "../testing/fake_io.ts";
import { parseArgs } from "../args/parse.ts";
import { httpFlags } from "../args/global_flags.ts";
import { connect } from "./connect.ts";
import { clientSettings } from "./settings.ts";

const tls = new URL("../testing/tls/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, tls));
const files = {
  "ca.pem": pem("ca.pem"),
  "cas/one.pem": pem("ca.pem"),
  "cas/notes.txt": "no certificate",
  "client.pem": pem("client.pem"),
  "client.key": pem("client.key"),
};

async function ask(address: string, flags: string[] = [], env: Record<string, string> = {}) {
  const io = fakeIo({ env: { VAULT_TOKEN: "t", SSL_CERT_FILE: "/none", ...env }, files });
  const { values } = parseArgs(
    httpFlags,
    [`-address=${address}`, ...flags],
    (name) => io.env(name),
  );
  const client = await connect(clientSettings(values, io), io);
  try {
    return (await client.send({ method: "PUT", path: "echo", body: { a: "é" } })).text;
  } finally {
    client.close();
  }
}

function echo(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  return request.text().then((body) => new Response(`${request.method} ${pathname} ${body}`));
}

const echoed = 'PUT /v1/echo {"a":"é"}';

Deno.test("a unix socket", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/node.sock`;
  await using _server = Deno.serve({ path, onListen: () => {} }, echo);
  assertEquals(await ask(`unix://${path}`), echoed);
  await assertRejects(() => ask(`unix://${directory}/gone.sock`), TransportError);
  await Deno.remove(directory, { recursive: true });
});

function tlsServer(name: string) {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(
    { ...options, cert: pem(`${name}.pem`), key: pem(`${name}.key`) },
    echo,
  );
  return { server, address: `https://127.0.0.1:${server.addr.port}` };
}

Deno.test("TLS: the CA by file, by directory, as text; refused without", async () => {
  const { server, address } = tlsServer("node");
  assertEquals(await ask(address, ["-ca-cert=ca.pem"]), echoed);
  assertEquals(await ask(address, ["-ca-path=cas"]), echoed);
  assertEquals(await ask(address, [], { VAULT_CACERT_BYTES: pem("ca.pem") }), echoed);
  assertEquals(await ask(address, [], { SSL_CERT_FILE: "ca.pem" }), echoed);
  await assertRejects(() => ask(address), TransportError);
  await server.shutdown();
});

Deno.test("TLS: another server name, and no checks at all", async () => {
  const { server, address } = tlsServer("elsewhere");
  await assertRejects(() => ask(address, ["-ca-cert=ca.pem"]), TransportError);
  assertEquals(await ask(address, ["-ca-cert=ca.pem", "-tls-server-name=node.test"]), echoed);
  await assertRejects(
    () => ask(address, ["-ca-cert=ca.pem", "-tls-server-name=other.test"]),
    TransportError,
  );
  assertEquals(await ask(address, ["-tls-skip-verify"]), echoed);
  assertEquals(await ask(address, [], { VAULT_SKIP_VERIFY: "true" }), echoed);
  await server.shutdown();
});

Deno.test("TLS: a client certificate is shown", async () => {
  const server = https.createServer({
    cert: pem("node.pem"),
    key: pem("node.key"),
    ca: pem("ca.pem"),
    requestCert: true,
    rejectUnauthorized: true,
  }, (_request, response) => void response.end("welcome"));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const address = `https://127.0.0.1:${port}`;
  const identity = ["-client-cert=client.pem", "-client-key=client.key"];
  assertEquals(await ask(address, ["-ca-cert=ca.pem", ...identity]), "welcome");
  assertEquals(await ask(address, ["-tls-skip-verify", ...identity]), "welcome");
  await assertRejects(() => ask(address, ["-ca-cert=ca.pem"]), TransportError);
  await assertRejects(() => ask(address, ["-client-cert=client.pem"]), Error, "together");
  await assertRejects(() => ask(address, ["-ca-cert=gone.pem"]), CommandError);
  await new Promise((closed) => server.close(closed));
});

Deno.test("an answer that never comes ends with VAULT_CLIENT_TIMEOUT", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `http://127.0.0.1:${listener.addr.port}`;
  await assertRejects(
    () => ask(address, [], { VAULT_CLIENT_TIMEOUT: "50ms" }),
    TransportError,
    "no answer in time",
  );
  listener.close();
});
