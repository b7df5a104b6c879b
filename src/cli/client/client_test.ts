import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ApiError, CommandError, RequestPrinted, TransportError } from "../errors.ts";
import { parseArgs } from "../args/parse.ts";
import { httpFlags } from "../args/global_flags.ts";
import { fakeIo } from "../testing/fake_io.ts";
import { Client } from "./client.ts";
import { clientSettings } from "./settings.ts";
import { emptyBody, type Transport, type WireRequest, type WireResponse } from "./transport.ts";

interface Setup {
  readonly flags?: string[];
  readonly env?: Record<string, string>;
  readonly answers?: (WireResponse | Error)[];
}

function reply(status: number, body?: unknown, headers: Record<string, string> = {}): WireResponse {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  return { status, headers: new Headers(headers), body: new Response(text).body ?? emptyBody() };
}

function setup({ flags = [], env = {}, answers = [] }: Setup) {
  const io = fakeIo({ env: { VAULT_ADDR: "http://node:8200", ...env } });
  const { values } = parseArgs(httpFlags, flags, (name) => io.env(name));
  const sent: WireRequest[] = [];
  const transport: Transport = {
    send(request) {
      sent.push(request);
      const answer = answers[sent.length - 1] ?? reply(204);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    close() {},
  };
  const settings = clientSettings(values, io);
  const token = () => Promise.resolve("hvs.token");
  const client = new Client({ settings, transport, token, clock: io.clock, random: io.random });
  const headers = (index = 0) => Object.fromEntries(sent[index]?.headers ?? []);
  return { client, sent, io, headers };
}

const get = { method: "GET", path: "secret/a" } as const;

Deno.test("a request carries the token, and what flags and environment ask for", async () => {
  const { client, sent, headers } = setup({
    flags: ["-ns=/team/", "-wrap-ttl=60", "-header=X-A=b", "-policy-override", "-mfa=m:123"],
  });
  await client.send(get);
  assertEquals(sent[0]?.url, "http://node:8200/v1/secret/a");
  assertEquals(headers(), {
    "X-Vault-Request": "true",
    "X-Vault-Token": "hvs.token",
    "X-Vault-Namespace": "team/",
    "X-Vault-Wrap-TTL": "1m0s",
    "X-Vault-Policy-Override": "true",
    "X-Vault-MFA": "m:123",
    "X-A": "b",
  });
});

Deno.test("wrapping anything by hand has a lifetime unless one is given", async () => {
  const { client, headers } = setup({});
  await client.write("sys/wrapping/wrap", { a: 1 });
  assertEquals(headers()["X-Vault-Wrap-TTL"], "5m");
});

Deno.test("a redirect is followed with method, body and headers", async () => {
  const moved = reply(307, undefined, { location: "http://active:8200/v1/secret/a" });
  const { client, sent, headers } = setup({ answers: [moved, reply(204)] });
  await client.write("secret/a", { x: 1 });
  assertEquals(sent[1]?.url, "http://active:8200/v1/secret/a");
  assertEquals([sent[1]?.method, await sent[1]?.body?.()], ["PUT", '{"x":1}']);
  assertEquals(headers(1)["X-Vault-Token"], "hvs.token");
});

Deno.test("redirects are not followed when disabled, from https to http, or round and round", async () => {
  const to = (location: string) => reply(307, undefined, { location });
  const off = setup({ flags: ["-disable-redirects"], answers: [to("http://b/v1/x")] });
  assertEquals((await off.client.send(get)).status, 307);
  const down = setup({
    env: { VAULT_ADDR: "https://node:8200" },
    answers: [to("http://node:8200/v1/secret/a")],
  });
  await assertRejects(() => down.client.send(get), TransportError, "https to http");
  const round = setup({ answers: Array.from({ length: 9 }, () => to("http://node:8200/v1/a")) });
  await round.client.send(get);
  assertEquals(round.sent.length, 4);
});

Deno.test("retries: 412 and 5xx but 501, as often as VAULT_MAX_RETRIES says", async () => {
  const env = { VAULT_MAX_RETRIES: "2" };
  const good = setup({ env, answers: [reply(503), reply(412), reply(200, { data: {} })] });
  await good.client.send(get);
  assertEquals(good.io.waits.length, 2);
  assertEquals(good.io.waits.every((ms) => ms >= 1000 && ms <= 1500), true);
  const bad = setup({ env, answers: [reply(500), reply(500), reply(500, { errors: ["no"] })] });
  await assertRejects(() => bad.client.send(get), ApiError);
  for (const status of [400, 403, 404, 501]) {
    const once = setup({ env, answers: [reply(status, { errors: [] })] });
    await assertRejects(() => once.client.send(get), ApiError);
    assertEquals(once.sent.length, 1);
  }
  const off = setup({ answers: [reply(500, { errors: [] })] });
  await assertRejects(() => off.client.send(get), ApiError);
  assertEquals(off.sent.length, 1);
});

Deno.test("nobody there: the error names the address, retried when asked to", async () => {
  const answers = [new TransportError("refused"), new TransportError("refused")];
  const { client, sent } = setup({ env: { VAULT_MAX_RETRIES: "1" }, answers });
  await assertRejects(() => client.send(get), TransportError, "http://node:8200/v1/secret/a");
  assertEquals(sent.length, 2);
});

Deno.test("VAULT_RATE_LIMIT spreads requests", async () => {
  const { client, io } = setup({ env: { VAULT_RATE_LIMIT: "10:2" } });
  for (let i = 0; i < 4; i++) await client.send(get);
  assertEquals(io.waits.map(Math.round), [100, 100]);
});

Deno.test("errors say where, which code and why; a body that is no JSON is shown raw", async () => {
  const refused = setup({
    flags: ["-namespace=team"],
    answers: [reply(403, { errors: ["permission denied"], warnings: ["careful"] })],
  });
  const error = await assertRejects(() => refused.client.send(get), ApiError);
  assertStringIncludes(error.message, "Namespace: team/");
  assertStringIncludes(error.message, "URL: GET http://node:8200/v1/secret/a");
  assertStringIncludes(error.message, "Code: 403. Errors:\n\n* permission denied");
  assertEquals(error.warnings, ["careful"]);
  const proxy = setup({ answers: [reply(502, "<html>bad gateway</html>")] });
  await assertRejects(() => proxy.client.send(get), ApiError, "<html>bad gateway</html>");
});

Deno.test("a 404 is nothing, unless it carries data or reasons", async () => {
  const none = setup({ answers: [reply(404, { errors: [] })] });
  assertEquals(await none.client.read("secret/data/a"), undefined);
  const deleted = setup({ answers: [reply(404, { data: { metadata: { version: 2 } } })] });
  assertEquals((await deleted.client.read("secret/data/a"))?.data, { metadata: { version: 2 } });
  const route = setup({ answers: [reply(404, { errors: ["no handler"] })] });
  await assertRejects(() => route.client.read("nosuch"), ApiError, "no handler");
});

Deno.test("paths are escaped part by part, and can't climb", async () => {
  const { client, sent } = setup({});
  await client.send({ ...get, path: "/secret//a b?c#d%/ü@x:1/" });
  assertEquals(sent[0]?.url, "http://node:8200/v1/secret/a%20b%3Fc%23d%25/%C3%BC@x:1");
  await assertRejects(() => client.send({ ...get, path: "secret/../sys/seal" }), Error, "..");
});

Deno.test("a token that is no header value is refused without being shown", async () => {
  const { client } = setup({});
  const error = await assertRejects(
    () => Promise.resolve().then(() => client.setToken("hunter2\nX-Evil: 1")),
    CommandError,
  );
  assertEquals(error.message.includes("hunter2"), false);
});

Deno.test("-output-curl-string prints the request, never the token", async () => {
  const { client, sent } = setup({ flags: ["-output-curl-string"] });
  const printed = await assertRejects(
    () => client.write("secret/a", { q: "it's" }),
    RequestPrinted,
  );
  assertEquals(
    printed.text,
    `curl -X PUT -H "X-Vault-Request: true" -H "X-Vault-Token: $(holdfast print token)" ` +
      `-d '{"q":"it'"'"'s"}' "http://node:8200/v1/secret/a"`,
  );
  assertEquals(sent.length, 0);
  await client.send({ ...get, preflight: true });
  assertEquals(sent.length, 1);
});

Deno.test("-output-policy prints what the request needs, sudo where it does", async () => {
  const policy = async (work: (client: Client) => Promise<unknown>) => {
    const { client } = setup({ flags: ["-output-policy"] });
    return (await assertRejects(() => work(client), RequestPrinted)).text;
  };
  const lists = await policy((client) => client.list("secret/metadata"));
  assertEquals(lists, 'path "secret/metadata" {\n  capabilities = ["list"]\n}');
  const seals = await policy((client) => client.write("sys/seal", null));
  assertEquals(seals, 'path "sys/seal" {\n  capabilities = ["create", "update", "sudo"]\n}');
});

Deno.test("settings that can't be used are named", async () => {
  const bad: Setup[] = [
    { flags: ["-address=node:8200"] },
    { flags: ["-address="] },
    { flags: ["-header=X-Vault-Token=x"] },
    { flags: ["-header=novalue"] },
    { env: { VAULT_CLIENT_TIMEOUT: "soon" } },
    { env: { VAULT_MAX_RETRIES: "-1" } },
    { env: { VAULT_RATE_LIMIT: "fast" } },
  ];
  for (const one of bad) {
    const error = await assertRejects(() => Promise.resolve().then(() => setup(one)), CommandError);
    assertEquals(error.exitCode, 2);
  }
});
