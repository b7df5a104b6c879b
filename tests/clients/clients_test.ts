/** Clients of other people, installed from their registries, against a node. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { TestNode } from "../e2e/node.ts";
import { attempt, cache, home, installed } from "../e2e/installed.ts";
import { run } from "../e2e/program.ts";
import { skipUnless } from "../e2e/skip.ts";

/** Exact versions: a new one of theirs is to be met on purpose. */
const versions = { hvac: "2.4.0", nodeVault: "0.12.0" };

const here = import.meta.dirname ?? ".";

/** A token of somebody's, and the key that it was signed with. */
async function signedToken(): Promise<{ readonly JWT: string; readonly JWT_KEY: string }> {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const token = new SignJWT({ sub: "ann" }).setProtectedHeader({ alg: "ES256" })
    .setIssuer("https://issuer.test").setAudience("us").setIssuedAt().setExpirationTime("10m");
  return { JWT: await token.sign(privateKey), JWT_KEY: await exportSPKI(publicKey) };
}

async function withNode(work: (node: TestNode, env: Record<string, string>) => Promise<void>) {
  await using node = await TestNode.create();
  const { rootToken } = await node.setUp();
  const env = {
    VAULT_ADDR: node.url,
    VAULT_TOKEN: rootToken,
    AUDIT_FILE: `${node.folder}/audit.log`,
    HOME: home,
    ...await signedToken(),
  };
  await work(node, env);
}

Deno.test("hvac, from PyPI", async (t) => {
  const folder = await installed(`hvac-${versions.hvac}`, (path) => [
    ["python3", "-m", "venv", path],
    [`${path}/bin/pip`, "install", "--quiet", `hvac==${versions.hvac}`],
  ]);
  if (!skipUnless(t, folder !== undefined, "python3 and PyPI")) return;
  await withNode(async (_, env) => {
    const result = await run(`${folder}/bin/python3`, [`${here}/hvac_client.py`], { env });
    assertEquals(result.code, 0, result.text);
    assertStringIncludes(result.stdout, "ok logins");
  });
});

Deno.test("node-vault, from npm", async (t) => {
  const folder = await installed(`node-vault-${versions.nodeVault}`, (path) => [
    ["npm", "install", "--silent", "--prefix", path, `node-vault@${versions.nodeVault}`],
  ]);
  if (!skipUnless(t, folder !== undefined, "node and npm's registry")) return;
  await withNode(async (_, env) => {
    const result = await run("node", [`${here}/node_vault_client.mjs`], {
      env: { ...env, CLIENT_FOLDER: folder ?? "" },
    });
    assertEquals(result.code, 0, result.text);
    assertStringIncludes(result.stdout, "ok remount");
  });
});

Deno.test("Vault's own Go module", async (t) => {
  await Deno.mkdir(cache, { recursive: true });
  const program = `${cache}/go-client`;
  const built = await attempt("go", ["-C", `${here}/go`, "build", "-o", program, "."]);
  if (built.code !== 0) console.log(built.text.trim().split("\n").slice(-3).join("\n"));
  if (!skipUnless(t, built.code === 0, "go and a module proxy")) return;
  await withNode(async (_, env) => {
    const result = await run(program, [], { env });
    assertEquals(result.code, 0, result.text);
    assertStringIncludes(result.stdout, "ok logins");
  });
});
