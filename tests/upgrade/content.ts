/** What the fixtures hold of each kind of data, written and read through the API. */
import { assert, assertEquals } from "@std/assert";
import { type Answer, api } from "../../src/server/testing.ts";

/** For the server's configuration: nothing that is kept must end before somebody reads it. */
export const LIFETIMES = `default_lease_ttl = "876000h"\nmax_lease_ttl = "876000h"`;

const policy = `path "kv1/*" { capabilities = ["read"] }`;
const large = "holdfast ".repeat(9000);

async function ask(
  address: string,
  path: string,
  options: Parameters<typeof api>[2],
): Promise<Answer> {
  const answer = await api(address, path, options);
  assert(answer.status < 400, `${path}: ${answer.status} ${JSON.stringify(answer.at("errors"))}`);
  return answer;
}

/** What is needed to look at the content again. */
export interface Content {
  /** May read kv1 for a hundred years. */
  readonly token: string;
  /** Of userpass, with a lease. */
  readonly login: string;
}

export async function fill(address: string, root: string): Promise<Content> {
  const put = (path: string, body: unknown) =>
    ask(address, path, { token: root, body, method: "POST" });
  await put("sys/mounts/kv1", { type: "kv", options: { version: "1" } });
  await put("sys/mounts/kv2", { type: "kv", options: { version: "2" } });
  for (let i = 0; i < 20; i++) await put(`kv1/folder/${i}`, { n: i });
  await put("kv1/large", { text: large });
  await put("kv2/data/it", { data: { at: "first" } });
  await put("kv2/data/it", { data: { at: "second" } });
  await put("kv2/data/gone", { data: { at: "first" } });
  await ask(address, "kv2/data/gone", { token: root, method: "DELETE" });
  await put("sys/policies/acl/reader", { policy });
  await put("sys/auth/userpass", { type: "userpass" });
  const user = { password: "correct horse", token_policies: "reader", token_ttl: "876000h" };
  await put("auth/userpass/users/ann", user);
  const token = await put("auth/token/create", { policies: ["reader"], ttl: "876000h" });
  const login = await logIn(address);
  await put("identity/entity", { name: "bob" });
  return { token: String(token.at("auth", "client_token")), login };
}

async function logIn(address: string): Promise<string> {
  const body = { password: "correct horse" };
  const answer = await ask(address, "auth/userpass/login/ann", { body, method: "POST" });
  return String(answer.at("auth", "client_token"));
}

/** Throws where anything is not as it was. */
export async function check(address: string, root: string, content: Content): Promise<void> {
  const get = (path: string, token = root) => ask(address, path, { token });
  assertEquals((await get("kv1/folder/7", content.token)).at("data", "n"), 7);
  assertEquals((await get("kv1/folder/19", content.login)).at("data", "n"), 19);
  assertEquals((await api(address, "kv2/data/it", { token: content.token })).status, 403);
  assertEquals((await get("kv1/large")).at("data", "text"), large);
  const listed = await get("kv1/folder?list=true");
  assertEquals(listed.at("data", "keys", 19), "9");
  assertEquals((await get("kv2/data/it")).at("data", "data", "at"), "second");
  assertEquals((await get("kv2/data/it?version=1")).at("data", "data", "at"), "first");
  assertEquals((await api(address, "kv2/data/gone", { token: root })).status, 404);
  assertEquals((await get("sys/policies/acl/reader")).at("data", "policy"), policy);
  assertEquals((await get("identity/entity/name/bob")).at("data", "name"), "bob");
  const own = await get("auth/token/lookup-self", content.login);
  assertEquals(own.at("data", "path"), "auth/userpass/login/ann");
  const leases = await get("sys/leases/lookup/auth/userpass/login/ann?list=true");
  assert(leases.at("data", "keys", 0) !== undefined);
  // What is new goes beside what is old.
  await ask(address, "kv1/after", { token: root, body: { now: "new" }, method: "POST" });
  assertEquals((await get("kv1/after", await logIn(address))).at("data", "now"), "new");
  const renewed = await ask(address, "auth/token/renew-self", {
    token: content.token,
    body: { increment: "876000h" },
    method: "POST",
  });
  assert(Number(renewed.at("auth", "lease_duration")) > 0);
}
