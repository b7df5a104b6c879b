/** Logins by browser against npm's oidc-provider, whose pages a scripted browser goes through. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { installed } from "../e2e/installed.ts";
import { freePort, TestNode } from "../e2e/node.ts";
import { peerProgram } from "../e2e/peer.ts";
import { environment, run } from "../e2e/program.ts";
import { skipUnless } from "../e2e/skip.ts";
import { Browser, formOf, type Page } from "./browser.ts";

const versions = { provider: "9.13.3", hvac: "2.4.0" };
const here = import.meta.dirname ?? ".";
const secret = "the client's secret: % and +";

/** A node, a provider, and the addresses they know of each other by. */
interface World extends AsyncDisposable {
  readonly node: TestNode;
  readonly issuer: string;
  readonly port: number;
  readonly redirect: string;
}

async function startProvider(folder: string, port: number, redirects: readonly string[]) {
  const settings = JSON.stringify({ port, folder, redirects, secretInBody: false });
  const child = new Deno.Command("node", {
    args: [`${here}/oidc_provider.mjs`, settings],
    clearEnv: true,
    env: environment(),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const first = await reader.read();
  if (!first.value?.includes("ready")) throw new Error(`the provider does not start: ${first}`);
  // What it says later is for nobody.
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await drained;
    },
  };
}

async function start(folder: string): Promise<World> {
  const node = await TestNode.create();
  await node.setUp();
  const [port, providerPort] = [freePort(), freePort()];
  const redirect = `http://localhost:${port}/oidc/callback`;
  const direct = `${node.url}/v1/auth/oidc/oidc/callback`;
  const provider = await startProvider(folder, providerPort, [redirect, direct]);
  const issuer = `http://127.0.0.1:${providerPort}`;
  await good(node, "sys/auth/oidc", { type: "oidc" });
  await good(node, "auth/oidc/config", {
    oidc_discovery_url: issuer,
    oidc_client_id: "holdfast",
    oidc_client_secret: secret,
    default_role: "user",
  });
  await good(node, "sys/policy/p", { policy: 'path "x" { capabilities = ["read"] }' });
  const role = {
    user_claim: "sub",
    token_policies: "p",
    oidc_scopes: "email,groups",
    claim_mappings: { email: "mail" },
    groups_claim: "groups",
    allowed_redirect_uris: ["http://localhost:8250/oidc/callback", direct],
  };
  await good(node, "auth/oidc/role/user", role);
  await good(node, "auth/oidc/role/direct", { ...role, callback_mode: "direct", poll_interval: 1 });
  await good(node, "auth/oidc/role/device", { ...role, callback_mode: "device", poll_interval: 1 });
  return {
    node,
    issuer,
    port,
    redirect,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}

async function good(node: TestNode, path: string, body: unknown) {
  const answer = await node.api("POST", path, body);
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  return answer;
}

/** Goes through the provider's pages as somebody; the page where that ends. */
async function logIn(browser: Browser, address: string, name = "ann"): Promise<Page> {
  let page = await browser.open(address);
  while (/name="prompt"/.test(page.html)) {
    const form = formOf(page);
    page = await browser.submit(form, form.fields.prompt === "login" ? { login: name } : {});
  }
  return page;
}

/** Begins a login over HTTP and goes through it; what the provider gave back. */
async function returned(world: World, extra: Record<string, string> = {}, name = "ann") {
  const begun = await good(world.node, "auth/oidc/oidc/auth_url", {
    role: "user",
    redirect_uri: world.redirect,
    ...extra,
  });
  const browser = new Browser((url) => url.port === String(world.port));
  const { url } = await logIn(browser, String(begun.get("data.auth_url")), name);
  return {
    state: url.searchParams.get("state") ?? "",
    code: url.searchParams.get("code") ?? "",
    address: url.href,
  };
}

function callback(node: TestNode, given: Record<string, string>) {
  return node.api("GET", `auth/oidc/oidc/callback?${new URLSearchParams(given)}`, undefined, {
    "X-Vault-Token": "",
  });
}

/** A browser for programs that open one: notes the address. */
async function fakeBrowser(node: TestNode) {
  const folder = `${node.folder}/bin`;
  const note = `${node.folder}/opened`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.remove(note).catch(() => {});
  const script = `#!/bin/sh\nprintf '%s' "$1" > ${note}.new && mv ${note}.new ${note}\n`;
  await Deno.writeTextFile(`${folder}/xdg-open`, script, { mode: 0o755 });
  return {
    env: { PATH: `${folder}:${Deno.env.get("PATH") ?? ""}`, VAULT_TOKEN: "", BAO_TOKEN: "" },
    async address(): Promise<string> {
      for (let waited = 0; waited < 20_000; waited += 50) {
        const text = await Deno.readTextFile(note).catch(() => "");
        if (text !== "") return text;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error("no browser was opened");
    },
  };
}

async function overHttp(world: World) {
  const { node } = world;
  const given = await returned(world, { client_nonce: "n1" });
  const answer = await callback(node, { ...given, client_nonce: "n1" });
  assertEquals(answer.status, 200, JSON.stringify(answer.body));
  assertEquals(answer.get("auth.token_policies"), ["default", "p"]);
  // The address came from the userinfo endpoint: the ID token has none.
  assertEquals(answer.get("auth.metadata"), { mail: "ann@idp.test", role: "user" });
  const again = await callback(node, { ...given, client_nonce: "n1" });
  assertEquals([again.status, again.get("auth")], [400, undefined], "a state is used once");

  const foreign = await returned(world, { client_nonce: "n1" });
  for (const client_nonce of ["n2", ""]) {
    assertEquals((await callback(node, { ...foreign, client_nonce })).status, 400);
  }
  const { state, code } = await returned(world);
  const flipped = state.slice(0, -1) + (state.endsWith("A") ? "B" : "A");
  const refused: Record<string, string>[] = [
    { state: flipped, code },
    { state: "", code },
    { state: "st_junk", code },
    { state, code: "" },
    { state, code: "junk" },
    { state, code: "", error: "access_denied" },
    // A code belongs to the login that it was given for: PKCE, and the nonce.
    { state, code: foreign.code },
  ];
  for (const one of refused) {
    assertEquals((await callback(node, one)).status, 400, JSON.stringify(one));
  }
  assertEquals((await callback(node, { state, code })).status, 200, "the right one is not burnt");

  const other = await good(node, "auth/oidc/oidc/auth_url", {
    role: "user",
    redirect_uri: "http://evil.test/oidc/callback",
  });
  assertEquals(other.get("data.auth_url"), "");
  const config = await node.api("GET", "auth/oidc/config");
  assert(!JSON.stringify(config.body).includes(secret), "the secret is not shown");
  assert(!node.output.includes(secret) && !node.output.includes(code), "nor in the log");
}

async function byCommand(world: World, command: string, env: Record<string, string>) {
  const { node, port } = world;
  const fake = await fakeBrowser(node);
  const args = ["login", "-method=oidc", "-token-only", "role=user", `port=${port}`];
  const done = run(command, args, { env: { ...env, HOME: node.folder, ...fake.env } });
  const page = await logIn(new Browser(), await fake.address());
  assertEquals(page.status, 200, page.html);
  const { code, stdout, text } = await done;
  assertEquals(code, 0, text);
  const self = await node.api("GET", "auth/token/lookup-self", undefined, {
    "X-Vault-Token": stdout.trim(),
  });
  assertEquals(self.get("data.display_name"), "oidc-ann");
  return page;
}

async function refusedCommand({ node, port }: World) {
  const fake = await fakeBrowser(node);
  const args = ["login", "-method=oidc", "role=user", `port=${port}`];
  const done = run(node.bin, args, {
    env: { VAULT_ADDR: node.url, HOME: node.folder, ...fake.env },
  });
  const state = new URL(await fake.address()).searchParams.get("state") ?? "";
  const at = `http://localhost:${port}/oidc/callback?`;
  const stranger = await new Browser().open(`${at}state=other&code=x`);
  assertEquals(stranger.status, 400, "another state does not end the login");
  const page = await new Browser().open(
    at + new URLSearchParams({ state, error: "access_denied", error_description: "wrong user" }),
  );
  assertStringIncludes(page.html, "has failed");
  const { code, text } = await done;
  assertEquals(code, 2);
  assertStringIncludes(text, "access_denied: wrong user");
}

async function direct(world: World) {
  const { node } = world;
  const fake = await fakeBrowser(node);
  const args = ["login", "-method=oidc", "-token-only", "role=direct", "callbackmode=direct"];
  const done = run(node.bin, args, {
    env: { VAULT_ADDR: node.url, HOME: node.folder, ...fake.env },
  });
  const browser = new Browser();
  const asked = await logIn(browser, await fake.address(), "bob");
  assertStringIncludes(asked.html, "127.0.0.1");
  assertStringIncludes(asked.html, "direct");
  const page = await browser.submit(formOf(asked));
  assertStringIncludes(page.html, "You are logged in");
  const { code, stdout, text } = await done;
  assertEquals(code, 0, text);
  assertMatch(stdout, /^hvs\./);
  const again = await browser.submit(formOf(asked));
  assertEquals(again.status, 400, "it ends once");
}

async function device(world: World) {
  const { node } = world;
  const fake = await fakeBrowser(node);
  const args = ["login", "-method=oidc", "-token-only", "role=device", "callbackmode=device"];
  const done = run(node.bin, args, {
    env: { VAULT_ADDR: node.url, HOME: node.folder, ...fake.env },
  });
  const browser = new Browser();
  let page = await browser.open(await fake.address());
  // The code's own form and its confirmation, then the pages of any login.
  for (let i = 0; i < 6 && /<form/.test(page.html); i++) {
    const form = formOf(page);
    page = await browser.submit(form, form.fields.prompt === "login" ? { login: "cid" } : {});
  }
  const { code, stdout, text } = await done;
  assertEquals(code, 0, `${text}\n${page.html}`);
  assertMatch(stdout, /^hvs\./);
}

async function posted(world: World) {
  const { node, issuer } = world;
  const redirect_uri = "https://vault.test/v1/auth/posted/oidc/callback";
  await good(node, "sys/auth/posted", { type: "oidc" });
  await good(node, "auth/posted/config", {
    oidc_discovery_url: issuer,
    oidc_client_id: "implicit",
    oidc_client_secret: secret,
    oidc_response_mode: "form_post",
    oidc_response_types: "id_token",
  });
  await good(node, "auth/posted/role/user", {
    user_claim: "sub",
    allowed_redirect_uris: ["https://vault.test/ui/vault/auth/posted/oidc/callback"],
  });
  // As a web interface asks, which knows nothing of forms.
  const begun = await good(node, "auth/posted/oidc/auth_url", {
    role: "user",
    redirect_uri: "https://vault.test/ui/vault/auth/posted/oidc/callback",
  });
  const page = await logIn(new Browser(), String(begun.get("data.auth_url")));
  const form = formOf(page);
  assertEquals(form.action.href, redirect_uri);
  const here = `${node.url}/v1/auth/posted/oidc/callback`;
  const post = (fields: Record<string, string>) =>
    fetch(here, { method: "POST", body: new URLSearchParams(fields) });
  const forged = (form.fields.id_token ?? "").replace(/\.[^.]*$/, ".AAAA");
  const bad = await post({ ...form.fields, id_token: forged });
  assertEquals([bad.status, (await bad.text()).includes("has failed")], [400, true]);
  const state = form.fields.state ?? "";
  const early = await node.api("GET", `auth/posted/oidc/callback?state=${state}&code=no_code`);
  assertEquals(early.status, 400, "nothing is known of what was refused");
  const taken = await post(form.fields);
  assertStringIncludes(await taken.text(), "/ui/vault/auth/posted/oidc/callback?state=st_");
  const end = await node.api("GET", `auth/posted/oidc/callback?state=${state}&code=no_code`);
  assertEquals(end.status, 200, JSON.stringify(end.body));
  assertEquals(end.get("auth.metadata.role"), "user");
  assertEquals((await post(form.fields)).status, 400, "it ends once");
}

async function withHvac(world: World, folder: string) {
  const { node, redirect, port } = world;
  const python = `${folder}/bin/python3`;
  const env = {
    VAULT_ADDR: node.url,
    VAULT_TOKEN: node.keys?.rootToken ?? "",
    REDIRECT: redirect,
  };
  const begun = await run(python, [`${here}/oidc_login.py`, "begin"], { env });
  assertEquals(begun.code, 0, begun.text);
  const browser = new Browser((url) => url.port === String(port));
  const { url } = await logIn(browser, begun.stdout.trim());
  const end = await run(python, [`${here}/oidc_login.py`, "end", url.href], { env });
  assertEquals([end.code, end.stdout.trim()], [0, "oidc-ann"], end.text);
}

Deno.test("logins by browser at a provider, from npm", async (t) => {
  const folder = await installed(`oidc-provider-${versions.provider}`, (path) => [
    ["npm", "install", "--silent", "--prefix", path, `oidc-provider@${versions.provider}`],
  ]);
  if (!skipUnless(t, folder !== undefined, "node and npm's registry")) return;
  await using world = await start(folder ?? "");
  const env = { VAULT_ADDR: world.node.url };
  await t.step("over HTTP, with each refusal", () => overHttp(world));
  await t.step("by our command, which opens the browser", async () => {
    const page = await byCommand(world, world.node.bin, env);
    assertStringIncludes(page.html, "You are logged in");
  });
  await t.step("by our command, that fails", () => refusedCommand(world));
  await t.step("by our command, the browser coming to the node", () => direct(world));
  await t.step("by our command, on another device", () => device(world));
  await t.step("an ID token that the provider posts", () => posted(world));
  await t.step("by hvac, from PyPI", async (t) => {
    const hvac = await installed(`hvac-${versions.hvac}`, (path) => [
      ["python3", "-m", "venv", path],
      [`${path}/bin/pip`, "install", "--quiet", `hvac==${versions.hvac}`],
    ]);
    if (skipUnless(t, hvac !== undefined, "python3 and PyPI")) await withHvac(world, hvac ?? "");
  });
  await t.step("by the peer's command", async (t) => {
    const peer = await peerProgram();
    if (!skipUnless(t, peer !== undefined, "OpenBao")) return;
    await byCommand(world, peer ?? "", { BAO_ADDR: world.node.url });
  });
});
