/** What programs do with node-vault, the Vault client of npm. Prints a line a thing that worked. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.CLIENT_FOLDER}/package.json`);
const library = require("node-vault");
const connect = (token) => library({ endpoint: process.env.VAULT_ADDR, token });
// One that is made later takes the token of those before it: the library keeps but one.
let vault = connect(process.env.VAULT_TOKEN);
const done = (what) => console.log("ok", what);
const status = (code) => (error) => error.response?.statusCode === code;

assert.equal((await vault.initialized()).initialized, true);
assert.equal((await vault.status()).sealed, false);
assert.equal((await vault.health()).standby, false);
done("status");

await vault.mount({ mount_point: "js1", type: "kv", options: { version: "1" } });
await vault.mount({ mount_point: "js2", type: "kv", options: { version: "2" } });
assert.equal((await vault.mounts()).data["js1/"].type, "kv");
done("mounts");

await vault.write("js1/a/b", { value: "1", nested: { deep: [1, 2] } });
assert.deepEqual((await vault.read("js1/a/b")).data, { value: "1", nested: { deep: [1, 2] } });
assert.deepEqual((await vault.list("js1/a")).data.keys, ["b"]);
await vault.delete("js1/a/b");
await assert.rejects(vault.read("js1/a/b"), status(404));
done("kv version 1");

assert.equal((await vault.write("js2/data/x", { data: { k: "v" } })).data.version, 1);
assert.equal(
  (await vault.write("js2/data/x", { data: { k: "w" }, options: { cas: 1 } })).data.version,
  2,
);
assert.equal((await vault.read("js2/data/x?version=1")).data.data.k, "v");
assert.equal((await vault.read("js2/metadata/x")).data.current_version, 2);
done("kv version 2");

await vault.addPolicy({ name: "js", rules: 'path "js1/*" { capabilities = ["read", "list"] }' });
assert.ok((await vault.policies()).policies.includes("js"));
assert.match((await vault.getPolicy({ name: "js" })).rules, /js1/);
const { auth } = await vault.tokenCreate({ policies: ["js"], ttl: "10m" });
const limited = connect(auth.client_token);
assert.deepEqual((await limited.tokenLookupSelf()).data.policies, ["default", "js"]);
await assert.rejects(limited.write("js1/no", { a: 1 }), status(403));
await limited.tokenRenewSelf({ increment: 60 });
await limited.tokenRevokeSelf();
await assert.rejects(limited.tokenLookupSelf(), status(403));
vault = connect(process.env.VAULT_TOKEN);
await vault.removePolicy({ name: "js" });
done("tokens and policies");

await vault.write("js1/w", { in: "side" });
const wrapped = await vault.read("js1/w", { headers: { "X-Vault-Wrap-TTL": "60s" } });
assert.deepEqual((await vault.unwrap({ token: wrapped.wrap_info.token })).data, { in: "side" });
done("wrapping");

assert.equal((await vault.auths()).data["token/"].type, "token");
assert.deepEqual((await vault.audits()).data, {});
await vault.remount({ from: "js1", to: "js3" });
for (let tries = 0; tries < 50 && !(await vault.mounts()).data["js3/"]; tries++) {
  await new Promise((resolve) => setTimeout(resolve, 100));
}
assert.equal((await vault.read("js3/w")).data.in, "side");
await vault.unmount({ mount_point: "js3" });
await vault.unmount({ mount_point: "js2" });
done("remount");
