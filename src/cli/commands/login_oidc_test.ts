import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { freePortIn } from "../../base/testing.ts";
import { runCli } from "../main.ts";
import { type FakeIo, fakeIo } from "../testing/fake_io.ts";
import { type Replies, testNode } from "../testing/node.ts";

const port = () => freePortIn(21_870, 100);

const asked: Replies = {
  "PUT auth/oidc/oidc/auth_url": { body: { data: { auth_url: "https://idp.test/x?state=s1" } } },
  "GET auth/oidc/oidc/callback": { body: { auth: { client_token: "hvs.new" } } },
};

/** A terminal whose clock stands still, and when something is first said on it. */
function terminal(address: string): { io: FakeIo; said: (text: string) => Promise<void> } {
  const io = fakeIo({ env: { VAULT_ADDR: address } });
  const waiting: { text: string; resolve: () => void }[] = [];
  return {
    io: {
      ...io,
      err(text: string) {
        io.err(text);
        for (const one of waiting) if (io.printed.err.includes(one.text)) one.resolve();
      },
      clock: { ...io.clock, after: () => () => {} },
    },
    said: (text) => new Promise((resolve) => waiting.push({ text, resolve })),
  };
}

Deno.test("a login through the browser takes what the provider sends back to the node", async () => {
  const at = port();
  await using node = testNode(asked);
  const { io, said } = terminal(node.address);
  const shown = said("Waiting");
  const done = runCli(["login", "-method=oidc", "-token-only", "role=dev", `port=${at}`], io);
  await shown;
  assertEquals(io.opened, ["https://idp.test/x?state=s1"]);
  const page = await fetch(`http://localhost:${at}/oidc/callback?state=s1&code=c1`);
  assertStringIncludes(await page.text(), "You are logged in");
  assertEquals([await done, io.printed.out], [0, "hvs.new"]);
  const nonce = "client_nonce=0b30";
  assertStringIncludes(node.seen[1]?.path ?? "", `state=s1&code=c1&id_token=&${nonce}`);
  const body = JSON.stringify(node.seen[0]?.body);
  assertStringIncludes(body, `"redirect_uri":"http://localhost:${at}/oidc/callback"`);
});

Deno.test("a form that the provider posts is passed on, and the login ends as ever", async () => {
  const at = port();
  await using node = testNode(asked);
  const { io, said } = terminal(node.address);
  const shown = said("Waiting");
  const done = runCli(["login", "-method=oidc", "-token-only", `port=${at}`], io);
  await shown;
  const body = new URLSearchParams({ state: "s1", id_token: "t1" });
  const page = await fetch(`http://localhost:${at}/oidc/callback`, { method: "POST", body });
  assertEquals(page.status, 200);
  await page.body?.cancel();
  assertEquals(await done, 0);
  const [, posted, got] = node.seen;
  assertEquals([posted?.method, posted?.path], ["POST", "auth/oidc/oidc/callback"]);
  assertStringIncludes(JSON.stringify(posted?.body), '"id_token":"t1"');
  assert(got !== undefined && !got.path.includes("t1"), "a token is not for an address");
});

Deno.test("only the provider's answer to this login ends the waiting", async () => {
  const at = port();
  await using node = testNode(asked);
  const { io, said } = terminal(node.address);
  const shown = said("Waiting");
  const done = runCli(["login", "-method=oidc", "skip_browser=true", `port=${at}`], io);
  await shown;
  assertEquals(io.opened, []);
  for (const path of ["oidc/callback?state=s2&code=c", "oidc/callback", "other", "favicon.ico"]) {
    const page = await fetch(`http://localhost:${at}/${path}`);
    assert(page.status >= 400, path);
    await page.body?.cancel();
  }
  const refused = new URLSearchParams({
    state: "s1",
    error: "access_denied",
    error_description: "not you\u001b[2J<b>",
  });
  const page = await fetch(`http://localhost:${at}/oidc/callback?${refused}`);
  const html = await page.text();
  assertStringIncludes(html, "has failed");
  assert(!html.includes("not you"), "nothing of the request is in the page");
  assertEquals(await done, 2);
  assertStringIncludes(io.printed.err, "did not log you in: access_denied: not you [2J<b>");
  assertEquals(node.seen.length, 1);
});

Deno.test("what the node refuses is told there and in the browser", async () => {
  const at = port();
  await using node = testNode({
    ...asked,
    "GET auth/oidc/oidc/callback": { status: 400, body: { errors: ["Login failed. Wrong."] } },
  });
  const { io, said } = terminal(node.address);
  const shown = said("Waiting");
  const done = runCli(["login", "-method=oidc", `port=${at}`], io);
  await shown;
  const page = await fetch(`http://localhost:${at}/oidc/callback?state=s1&code=c1`);
  assertStringIncludes(await page.text(), "has failed");
  assertEquals(await done, 2);
  assertStringIncludes(io.printed.err, "Login failed. Wrong.");
});

Deno.test("nobody comes, Ctrl-C, a port that is taken, a role that forbids it", async () => {
  const at = port();
  await using node = testNode(asked);
  const login = ["login", "-method=oidc", `port=${at}`];
  const late = fakeIo({ env: { VAULT_ADDR: node.address } });
  assertEquals(await runCli(login, late), 2);
  assertStringIncludes(late.printed.err, "nobody logged in within two minutes");
  assertEquals(late.waits.at(-1), 120_000);

  const { io } = terminal(node.address);
  assertEquals(await runCli(login, { ...io, interrupted: () => Promise.resolve() }), 130);

  using _taken = Deno.listen({ hostname: "localhost", port: at });
  const busy = fakeIo({ env: { VAULT_ADDR: node.address } });
  const before = node.seen.length;
  assertEquals(await runCli(login, busy), 1);
  assertStringIncludes(busy.printed.err, "another program has it");
  assertEquals(node.seen.length, before, "no login was begun");

  await using strict = testNode({
    "PUT auth/oidc/oidc/auth_url": { body: { data: { auth_url: "" } } },
  });
  const refused = fakeIo({ env: { VAULT_ADDR: strict.address } });
  assertEquals(await runCli(["login", "-method=oidc", `port=${port()}`], refused), 2);
  assertStringIncludes(refused.printed.err, "allowed_redirect_uris");
});

Deno.test("a login that comes to the node is polled for until it is there", async () => {
  const replies = ["authorization_pending", "slow_down", "authorization_pending"];
  await using node = testNode({
    "PUT auth/mine/oidc/auth_url": {
      body: { data: { auth_url: "https://idp.test/x", state: "s1", poll_interval: "2" } },
    },
    "PUT auth/mine/oidc/poll": () => {
      const error = replies.shift();
      return error === undefined
        ? { body: { auth: { client_token: "hvs.polled" } } }
        : { status: 400, body: { errors: [error] } };
    },
  });
  const io = fakeIo({ env: { VAULT_ADDR: node.address } });
  const words = ["role=dev", "callbackmode=direct", "mount=mine"];
  assertEquals(await runCli(["login", "-method=oidc", "-token-only", ...words], io), 0);
  assertEquals(io.printed.out, "hvs.polled");
  assertEquals(io.waits.filter((wait) => wait >= 1000), [2000, 2000, 4000, 4000]);
  const redirect = `${node.address}/v1/auth/mine/oidc/callback`;
  assertStringIncludes(JSON.stringify(node.seen[0]?.body), `"redirect_uri":"${redirect}"`);
});

Deno.test("what can't be is refused before anybody is asked", async () => {
  await using node = testNode(asked);
  for (const word of ["callbackmode=up", "port=x", "skip_browser=maybe", "prot=8250"]) {
    const io = fakeIo({ env: { VAULT_ADDR: node.address } });
    assertEquals(await runCli(["login", "-method=oidc", word], io), 1, word);
  }
  assertEquals(node.seen.length, 0);
  const io = fakeIo({ env: { VAULT_ADDR: node.address } });
  const mode = ["login", "-method=oidc", "callbackmode=direct", `port=${port()}`];
  assertEquals(await runCli(mode, io), 2);
  assertStringIncludes(io.printed.err, "the role's callback mode is not direct");
});
