/** What is asked of a provider goes to its address, by its authorities, and no answer is too much. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { describeError, Failure } from "../base/failure.ts";
import { freePortIn } from "../base/testing.ts";
import { callProvider, fetchDocument } from "./fetch_document.ts";

const tls = new URL("../cli/testing/tls/", import.meta.url);
const pem = (name: string) => Deno.readTextFile(new URL(name, tls));
const post = { method: "POST" as const, headers: { authorization: "Basic eDp5" }, body: "code=c" };

Deno.test("a secret does not follow a redirect; a refusal is an answer", async () => {
  const seen: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    seen.push(pathname);
    if (pathname === "/moved") return Response.redirect(new URL("/elsewhere", request.url), 307);
    if (pathname === "/large") return new Response("x".repeat(2 * 1024 * 1024));
    return Response.json({ error: "invalid_grant" }, { status: 400 });
  });
  const base = `http://127.0.0.1:${server.addr.port}`;
  assertEquals((await callProvider({ ...post, url: `${base}/moved` }, "")).status, 307);
  assertEquals(seen, ["/moved"]);
  const refused = await callProvider({ ...post, url: `${base}/token` }, "");
  assertEquals([refused.status, refused.text], [400, '{"error":"invalid_grant"}']);
  await assertRejects(() => callProvider({ ...post, url: `${base}/large` }, ""), Failure);
  await assertRejects(() => fetchDocument(`${base}/token`, ""), Failure);
});

Deno.test("who does not answer is told, without what was to be sent", async () => {
  const url = `http://127.0.0.1:${freePortIn(21_970, 20)}/token`;
  const error = await assertRejects(() => callProvider({ ...post, url }, ""), Failure);
  assertEquals(error.errors, ["No response from provider."]);
  for (const secret of ["eDp5", "code=c"]) {
    assertEquals(describeError(error).includes(secret), false);
  }
});

Deno.test("a provider is known by the authorities that were given for it", async () => {
  const options = { cert: await pem("node.pem"), key: await pem("node.key") };
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {}, ...options },
    () => Response.json({ known: true }),
  );
  const url = `https://127.0.0.1:${server.addr.port}/token`;
  const ca = await pem("ca.pem");
  assertStringIncludes((await callProvider({ ...post, url }, ca)).text, "known");
  assertEquals(await fetchDocument(url, ca), { known: true });
  await assertRejects(() => callProvider({ ...post, url }, ""), Failure);
  // The certificate is for the address alone.
  const named = url.replace("127.0.0.1", "localhost");
  await assertRejects(() => callProvider({ ...post, url: named }, ca), Failure);
});
