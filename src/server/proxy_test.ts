/** The PROXY protocol through real servers: whose address counts, with TLS and without. */
import { assert, assertEquals } from "@std/assert";
import { connect } from "node:tls";
import { connect as connectTcp } from "node:net";
import { systemClock, systemRandom } from "../base/clock.ts";
import { makeDevCertificate } from "./dev_tls.ts";
import {
  api,
  bringUp,
  eventually,
  freePort,
  rawConnection,
  scratch,
  spawn,
  startServer,
} from "./testing.ts";

const binary = new Uint8Array([
  ...[13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10, 0x21, 0x11, 0, 12],
  ...[203, 0, 113, 7, 127, 0, 0, 1, 0x30, 0x39, 0, 80],
]);

/** A listener without the protocol, to set things up by, and one with it. */
function config(folder: string, plain: number, proxied: number, lines: string): string {
  return `storage "inmem" {}
unsafe_allow_api_audit_creation = true
listener "tcp" {
  address = "127.0.0.1:${plain}"
  tls_disable = true
}
listener "tcp" {
  address = "127.0.0.1:${proxied}"
  http_read_header_timeout = "600ms"
  ${lines}
}
audit "file" "main" {
  options { file_path = "${folder}/audit.log" }
}
`;
}

/** One request behind some first bytes; all that comes back. */
function ask(port: number, first: Uint8Array | string, path: string, token: string, ca?: string) {
  const request = `GET /v1/${path} HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: ${token}\r\n` +
    "Connection: close\r\n\r\n";
  return new Promise<string>((resolve) => {
    const socket = connectTcp({ host: "127.0.0.1", port }, () => {
      if (first.length > 0) socket.write(first);
      const channel = ca === undefined ? socket : connect({ socket, ca, servername: "localhost" });
      let text = "";
      channel.on("data", (chunk: Uint8Array) => text += new TextDecoder().decode(chunk));
      channel.on("error", () => resolve(text));
      channel.on("close", () => resolve(text));
      channel.on("end", () => resolve(text));
      channel.write(request);
    });
    socket.on("error", () => resolve(""));
  });
}

async function lastAddress(folder: string): Promise<string> {
  const lines = (await Deno.readTextFile(`${folder}/audit.log`)).trim().split("\n");
  return String(JSON.parse(lines.at(-1) ?? "{}").request?.remote_address);
}

Deno.test("use_always: the address in the header counts in audit and in bound CIDRs", async () => {
  await using folder = await scratch();
  const plain = freePort(), proxied = freePort();
  const text = config(
    folder.path,
    plain,
    proxied,
    'tls_disable = true\nproxy_protocol_behavior = "use_always"',
  );
  await Deno.writeTextFile(`${folder.path}/c.hcl`, text);
  await using server = await startServer(`${folder.path}/c.hcl`);
  const address = `http://127.0.0.1:${plain}`;
  const { token } = await bringUp(address);
  const ok = (answer: string) => assert(answer.startsWith("HTTP/1.1 200"), answer);

  ok(await ask(proxied, "PROXY TCP4 192.0.2.7 127.0.0.1 5000 80\r\n", "sys/mounts", token));
  assertEquals(await lastAddress(folder.path), "192.0.2.7");
  ok(await ask(proxied, "PROXY TCP6 2001:db8::7 ::1 5000 80\r\n", "sys/mounts", token));
  assertEquals(await lastAddress(folder.path), "2001:db8::7");
  ok(await ask(proxied, binary, "sys/mounts", token));
  assertEquals(await lastAddress(folder.path), "203.0.113.7");
  // Who says nothing, or speaks for itself, is who it is.
  for (const first of ["", "PROXY UNKNOWN\r\n"]) {
    ok(await ask(proxied, first, "sys/mounts", token));
    assertEquals(await lastAddress(folder.path), "127.0.0.1");
  }

  await api(address, "sys/policies/acl/all", {
    token,
    body: { policy: 'path "*" { capabilities = ["read", "sudo"] }' },
    method: "POST",
  });
  await api(address, "auth/token/roles/near", {
    token,
    body: { allowed_policies: "all", token_bound_cidrs: "192.0.2.0/24" },
    method: "POST",
  });
  const made = await api(address, "auth/token/create/near", {
    token,
    body: { policies: ["all"] },
    method: "POST",
  });
  const bound = String(made.at("auth", "client_token"));
  ok(await ask(proxied, "PROXY TCP4 192.0.2.9 127.0.0.1 1 2\r\n", "sys/mounts", bound));
  const far = await ask(proxied, "PROXY TCP4 198.51.100.9 127.0.0.1 1 2\r\n", "sys/mounts", bound);
  assert(far.startsWith("HTTP/1.1 403"), far);

  // In pieces, and with a request in the same packet; then bad and slow ones.
  const connection = await rawConnection(proxied);
  for (const piece of ["PRO", "XY TCP4 192.0.2.8 127.0.0.1 ", "5000 80\r", "\n"]) {
    await connection.send(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const request = `GET /v1/sys/mounts HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${token}\r\n`;
  await connection.send(`${request}Connection: close\r\n\r\n`);
  ok((await connection.untilClosed()).text);
  connection.close();
  assertEquals(await lastAddress(folder.path), "192.0.2.8");
  for (const bad of ["PROXY TCP4 1.2.3 4.5.6.7 1 2\r\nGET / HTTP/1.1\r\n\r\n", "PROXY TCP4 1.2"]) {
    const slow = await rawConnection(proxied);
    await slow.send(bad);
    const { text, afterMs } = await slow.untilClosed();
    assertEquals(text, "");
    assert(afterMs < 3000, `${afterMs}`);
    slow.close();
  }
  assert(server.output().includes("malformed PROXY header"));
  // Many at a time, each with its own address, over connections that stay open.
  const answers = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const many = await ask(
      proxied,
      `PROXY TCP4 192.0.2.${i + 10} 127.0.0.1 ${i + 1} 80\r\n`,
      `kv-none/${i}`,
      token,
    );
    return many.split(" ")[1];
  }));
  assertEquals(new Set(answers), new Set(["404"]));
  const audited = (await Deno.readTextFile(`${folder.path}/audit.log`)).trim().split("\n")
    .map((line) => JSON.parse(line).request).filter(({ path }) => path.startsWith("kv-none/"));
  for (const { path, remote_address, remote_port } of audited) {
    const i = Number(path.slice("kv-none/".length));
    assertEquals([remote_address, remote_port], [`192.0.2.${i + 10}`, i + 1]);
  }
});

Deno.test("with TLS, headers of load balancers are heeded, others ignored or refused", async () => {
  await using folder = await scratch();
  const tls = await makeDevCertificate(folder.path, [], systemClock, systemRandom);
  const files = `tls_cert_file = "${tls.certPath}"\ntls_key_file = "${tls.keyPath}"`;
  const ca = await Deno.readTextFile(tls.caPath);
  const header = "PROXY TCP4 192.0.2.7 127.0.0.1 5000 80\r\n";
  const cases: [behavior: string, ranges: string, seen: string | undefined][] = [
    ["allow_authorized", "127.0.0.0/8", "192.0.2.7"],
    ["allow_authorized", "10.0.0.0/8,192.168.1.1", "127.0.0.1"],
    ["deny_unauthorized", "127.0.0.1", "192.0.2.7"],
    ["deny_unauthorized", "10.0.0.0/8", undefined],
  ];
  for (const [i, [behavior, ranges, seen]] of cases.entries()) {
    const plain = freePort(), proxied = freePort();
    const lines = `${files}
  proxy_protocol_behavior = "${behavior}"
  proxy_protocol_authorized_addrs = "${ranges}"
  ${i % 2 === 0 ? "" : 'tls_min_version = "tls13"'}`;
    await Deno.writeTextFile(`${folder.path}/c.hcl`, config(folder.path, plain, proxied, lines));
    await using server = await startServer(`${folder.path}/c.hcl`);
    const { token } = await bringUp(`http://127.0.0.1:${plain}`);
    const answer = await ask(proxied, header, "sys/mounts", token, ca);
    if (seen === undefined) assertEquals(answer, "", behavior);
    else {
      assert(answer.startsWith("HTTP/1.1 200"), `${behavior} ${answer}`);
      assertEquals(await lastAddress(folder.path), seen, `${behavior} ${ranges}`);
    }
    server.signal("SIGTERM");
    assertEquals(await server.ended, 0);
    await Deno.remove(`${folder.path}/audit.log`);
  }
});

Deno.test("a listener whose trust is not told is refused at the start", async () => {
  await using folder = await scratch();
  for (
    const [lines, told] of [
      ['proxy_protocol_behavior = "deny_unauthorized"', "needs proxy_protocol_authorized_addrs"],
      [
        'proxy_protocol_behavior = "use_always"\nproxy_protocol_authorized_addrs = "10.0.0.0/33"',
        "is no address and no range",
      ],
    ] as const
  ) {
    const text = config(folder.path, freePort(), freePort(), `tls_disable = true\n${lines}`);
    await Deno.writeTextFile(`${folder.path}/c.hcl`, text);
    await using server = spawn(["server", `-config=${folder.path}/c.hcl`]);
    assert(await server.ended !== 0);
    await eventually(() => server.output().includes(told), () => server.output());
  }
});
