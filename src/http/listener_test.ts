/** What a listener's stanza adds to requests and answers. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { rootNamespace } from "../logical/namespace.ts";
import type { Request } from "../logical/request.ts";
import { closePaths } from "./closed_paths.ts";
import { forwardedConnection, type ForwardedSettings } from "./forwarded.ts";
import { isRedactable, redactResponse } from "./redact.ts";
import { headerDecorator } from "./response_headers.ts";
import { TimeLimit } from "./time_limit.ts";

const connection = { remoteAddress: "10.0.0.1", remotePort: 4000 };
const settings: ForwardedSettings = {
  isAuthorized: (address) => address.startsWith("10."),
  hopSkips: 0,
  rejectNotAuthorized: true,
  rejectNotPresent: true,
  certificateHeader: "",
  certificateDecoders: [],
};

const from = (
  header: string | null,
  changed: Partial<ForwardedSettings> = {},
  remote = connection,
) =>
  forwardedConnection(
    new Headers(header === null ? {} : { "x-forwarded-for": header }),
    remote,
    { ...settings, ...changed },
  ).remoteAddress;

Deno.test("behind a trusted proxy the last hop counts, or the one before", () => {
  assertEquals(from("192.0.2.9"), "192.0.2.9");
  assertEquals(from("198.51.100.1, 192.0.2.9"), "192.0.2.9");
  assertEquals(from("198.51.100.1, 192.0.2.9", { hopSkips: 1 }), "198.51.100.1");
  assertThrows(() => from("192.0.2.9", { hopSkips: 1 }), Failure, "chain length 1");
});

Deno.test("without the header, or from a stranger, requests are refused unless let through", () => {
  const stranger = { remoteAddress: "203.0.113.5", remotePort: 1 };
  assertThrows(() => from(null), Failure, "missing x-forwarded-for");
  assertEquals(from(null, { rejectNotPresent: false }), "10.0.0.1");
  assertThrows(() => from("192.0.2.9", {}, stranger), Failure, "not authorized");
  assertEquals(from("192.0.2.9", { rejectNotAuthorized: false }, stranger), "203.0.113.5");
});

Deno.test("a proxy hands the client's certificate on, decoded as configured", () => {
  const der = new Uint8Array([48, 1, 2, 3]);
  const pem = `-----BEGIN CERTIFICATE-----\n${der.toBase64()}\n-----END CERTIFICATE-----\n`;
  const cases: [string, ForwardedSettings["certificateDecoders"]][] = [
    [der.toBase64(), ["BASE64"]],
    [encodeURIComponent(pem), ["URL", "DER"]],
  ];
  for (const [value, certificateDecoders] of cases) {
    const headers = new Headers({ "x-forwarded-for": "192.0.2.9", "x-cert": value });
    const changed = { ...settings, certificateHeader: "X-Cert", certificateDecoders };
    assertEquals(forwardedConnection(headers, connection, changed).peerCertificates, [der]);
  }
  const headers = new Headers({ "x-forwarded-for": "192.0.2.9", "x-cert": "%%" });
  const changed = {
    ...settings,
    certificateHeader: "x-cert",
    certificateDecoders: ["BASE64"] as const,
  };
  assertThrows(() => forwardedConnection(headers, connection, changed), Failure, "no certificate");
});

Deno.test("of several headers for a status the most specific wins", () => {
  const decorate = headerDecorator({
    default: { "X-A": ["1"], "X-Vault-B": ["no"], "bad name": ["x"] },
    "4xx": { "X-A": ["4"], "X-C": ["c", "d"] },
    "404": { "x-a": ["404"] },
  }, { "x-vault-hostname": "h" });
  const shown = (status: number) => {
    const response = new Response("", { status });
    response.headers.delete("content-type");
    decorate?.(response);
    return Object.fromEntries(response.headers);
  };
  assertEquals(shown(200), { "x-a": "1", "x-vault-hostname": "h" });
  assertEquals(shown(403), { "x-a": "4", "x-c": "c, d", "x-vault-hostname": "h" });
  assertEquals(shown(404), { "x-a": "404", "x-c": "c, d", "x-vault-hostname": "h" });
  assertEquals(headerDecorator({}, {}), undefined);
});

Deno.test("status calls lose what a listener is not to tell", async () => {
  const what = { addresses: true, clusterName: false, version: true };
  const body = { version: "1", cluster_name: "c", leader_address: "http://a", sealed: false };
  const headers = { "content-type": "application/json" };
  const response = await redactResponse(new Response(JSON.stringify(body), { headers }), what);
  const hidden = { version: "", cluster_name: "c", leader_address: "", sealed: false };
  assertEquals(await response.json(), hidden);
  assertEquals(isRedactable("http://a/v1/sys/health?x=1"), true);
  assertEquals(isRedactable("http://a/v1/sys/he%61lth"), true);
  assertEquals(isRedactable("http://a/v1/secret/data/sys/health"), false);
});

Deno.test("a request that takes too long is answered 503, others as they are", async () => {
  const tasks: (() => void)[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    monotonic: () => now,
    after: (_delay: number, task: () => void) => {
      tasks.push(task);
      return () => {};
    },
  };
  const limit = new TimeLimit(clock, 1000);
  const refused = (error: unknown) => new Response(String(error), { status: 418 });
  const slow = limit.run(new Promise<Response>(() => {}), refused);
  const { promise: endless, resolve } = Promise.withResolvers<Response>();
  const upload = limit.run(endless, refused, true);
  const quick = limit.run(Promise.resolve(new Response("q")), refused);
  assertEquals((await quick).status, 200);
  const failing = limit.run(Promise.reject(new Error("no")), refused);
  assertEquals((await failing).status, 418);
  assertEquals(limit.inFlight, 2);
  now = 900;
  tasks.shift()?.();
  assertEquals(limit.inFlight, 2);
  now = 1400;
  tasks.shift()?.();
  assertEquals((await slow).status, 503);
  assertEquals((await slow).headers.get("retry-after"), "5");
  assertEquals(limit.inFlight, 1);
  assertEquals(tasks.length, 0);
  resolve(new Response("u"));
  assertEquals((await upload).status, 200);
  assertEquals(limit.inFlight, 0);
});

Deno.test("calls for holders of key shares can be closed, under every name", async () => {
  const handler = { cors: undefined, handle: () => Promise.resolve(undefined) };
  const request = (path: string): Request => ({
    id: "1",
    operation: "read",
    namespace: rootNamespace,
    path,
    data: {},
    headers: new Headers(),
    clientToken: "",
    connection,
    method: "GET",
  });
  assertEquals(closePaths(handler, { rekey: false, generateRoot: false }), handler);
  const closed = closePaths(handler, { rekey: true, generateRoot: false });
  for (const path of ["sys/rekey/init", "sys/rekey/update/", "sys/rekey-recovery-key/verify"]) {
    await assertRejects(() => closed.handle(request(path)), Failure, "unsupported operation");
  }
  for (const path of ["sys/rekey/backup", "sys/generate-root/attempt", "kv/sys/rekey/init"]) {
    assertEquals(await closed.handle(request(path)), undefined);
  }
});
