/** OpenBao's agent, from PyPI: logs in by AppRole and keeps a file true, with our secrets in it. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../src/engines/database/testing/process.ts";
import { TestPostgres } from "../../src/engines/database/testing/postgres.ts";
import { TestNode } from "../e2e/node.ts";
import { peerProgram } from "../e2e/peer.ts";
import { environment } from "../e2e/program.ts";
import { skipUnless } from "../e2e/skip.ts";

/** Seconds: a user's lease, and the most that it may be renewed to. */
const ttl = 4;
const maxTtl = 14;
/** Seconds: how long the password of a static role lasts. */
const rotationPeriod = 6;

async function prepare(node: TestNode, postgres: TestPostgres): Promise<void> {
  const write = async (path: string, body: unknown) => {
    const answer = await node.api("POST", path, body);
    assert(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`);
    return answer;
  };
  await write("sys/mounts/secret", { type: "kv", options: { version: "2" } });
  await write("secret/data/app", { data: { colour: "green" } });
  await write("sys/mounts/database", { type: "database" });
  await write("database/config/pg", postgres.config);
  await write("database/roles/app", {
    db_name: "pg",
    creation_statements: `create role "{{name}}" login password '{{password}}'`,
    default_ttl: `${ttl}s`,
    max_ttl: `${maxTtl}s`,
  });
  await postgres.asSuper("create role fixed login password 'first'");
  await write("database/static-roles/fixed", {
    db_name: "pg",
    username: "fixed",
    rotation_period: `${rotationPeriod}s`,
  });
  const policy = `path "secret/data/app" { capabilities = ["read"] }
path "database/static-creds/fixed" { capabilities = ["read"] }
path "database/creds/app" { capabilities = ["read"] }`;
  await write("sys/policies/acl/app", { policy });
  await write("sys/auth/approle", { type: "approle" });
  await write("auth/approle/role/app", { token_policies: "app", token_ttl: "10s" });
  const roleId = await node.api("GET", "auth/approle/role/app/role-id");
  const secretId = await write("auth/approle/role/app/secret-id", {});
  await Deno.writeTextFile(`${node.folder}/role-id`, String(roleId.get("data.role_id")));
  await Deno.writeTextFile(`${node.folder}/secret-id`, String(secretId.get("data.secret_id")));
}

function agentConfig({ url, folder }: TestNode): string {
  return `vault { address = "${url}" }
auto_auth {
  method "approle" {
    config = {
      role_id_file_path   = "${folder}/role-id"
      secret_id_file_path = "${folder}/secret-id"
      remove_secret_id_file_after_reading = false
    }
  }
}
template_config { static_secret_render_interval = "1s" }
template {
  contents    = <<EOT
{{ with secret "secret/data/app" }}{{ .Data.data.colour }}{{ end }}
{{ with secret "database/creds/app" }}{{ .Data.username }}
{{ .Data.password }}{{ end }}
{{ with secret "database/static-creds/fixed" }}{{ .Data.password }}{{ end }}
EOT
  destination = "${folder}/rendered"
}
`;
}

interface Rendered {
  readonly colour: string;
  readonly user: string;
  readonly password: string;
  /** Of the static role. */
  readonly fixed: string;
}

async function rendered({ folder }: TestNode): Promise<Rendered | undefined> {
  try {
    const text = await Deno.readTextFile(`${folder}/rendered`);
    const [colour = "", user = "", password = "", fixed = ""] = text.split("\n");
    return { colour, user, password, fixed };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Waits until the file is as it should be, a lease's longest life at most. */
async function waitFor(node: TestNode, holds: (now: Rendered) => boolean): Promise<Rendered> {
  let found: Rendered | undefined;
  const look = async () => {
    found = await rendered(node);
    return found !== undefined && holds(found);
  };
  assert(await eventually(look) || await eventually(look), "the file did not change in time");
  assert(found !== undefined);
  return found;
}

interface World {
  readonly node: TestNode;
  readonly postgres: TestPostgres;
  logsIn(user: string, password: string): Promise<boolean>;
  /** Whether both users that the file names come to be able to log in to the database. */
  works(): Promise<boolean>;
}

/** Runs with an agent beside a node. Skipped where the agent or PostgreSQL can't be had. */
async function withAgent(t: Deno.TestContext, run: (world: World) => Promise<void>) {
  const bao = await peerProgram();
  if (!skipUnless(t, bao !== undefined, "python3 and PyPI") || bao === undefined) return;
  const postgres = await TestPostgres.start();
  if (postgres === undefined) return;
  try {
    // The node goes first: PostgreSQL waits for whoever is logged in.
    await using node = await TestNode.create();
    await node.setUp();
    await prepare(node, postgres);
    await using _agent = await startAgent(bao, node);
    const logsIn = async (user: string, password: string) =>
      await postgres.ask(user, password, "select 1") === "1";
    await run({
      node,
      postgres,
      logsIn,
      works: () =>
        eventually(async () => {
          const now = await rendered(node);
          return now !== undefined && await logsIn(now.user, now.password) &&
            await logsIn("fixed", now.fixed);
        }),
    });
  } finally {
    await postgres.server.remove();
  }
}

async function startAgent(bao: string, node: TestNode): Promise<AsyncDisposable> {
  await Deno.writeTextFile(`${node.folder}/agent.hcl`, agentConfig(node));
  const agent = new Deno.Command(bao, {
    args: ["agent", `-config=${node.folder}/agent.hcl`],
    clearEnv: true,
    env: environment({ HOME: node.folder }),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      agent.kill("SIGTERM");
      await agent.status;
    },
  };
}

Deno.test("an agent's file follows a KV secret and a lease, renewed and then replaced", async (t) => {
  await withAgent(t, async ({ node, postgres, logsIn, works }) => {
    const first = await waitFor(node, ({ password, fixed }) => password !== "" && fixed !== "");
    const began = Date.now();
    assertEquals(first.colour, "green");
    assert(await works());

    await node.api("POST", "secret/data/app", { data: { colour: "blue" } });
    const changed = await waitFor(node, ({ colour }) => colour === "blue");
    assertEquals(changed.user, first.user, "the lease is still the same");

    const renewed = began + (ttl + 3) * 1000;
    while (Date.now() < renewed) await new Promise((resolve) => setTimeout(resolve, 100));
    const now = await rendered(node);
    assertEquals(now?.user, first.user);
    const lives = await logsIn(first.user, first.password);
    assert(lives, "it lives on past its first TTL: it was renewed");

    const second = await waitFor(node, ({ user }) => user !== first.user);
    assert(await logsIn(second.user, second.password), "another one in its place");
    assert(await eventually(async () => await postgres.users(first.user) === 0), "the first ended");
  });
});

Deno.test("an agent's file follows a static role's rotations, and a restart of the node", async (t) => {
  await withAgent(t, async ({ node, postgres, logsIn, works }) => {
    const first = await waitFor(node, ({ password, fixed }) => password !== "" && fixed !== "");
    const rotated = await waitFor(node, ({ fixed }) => fixed !== first.fixed);
    assertEquals(await logsIn("fixed", first.fixed), false, "the one before is void");
    assert(await works());

    assertEquals(await node.stop("SIGTERM"), 0);
    await new Promise((resolve) => setTimeout(resolve, (ttl + 1) * 1000));
    await node.start();
    await node.unseal();
    const after = await waitFor(
      node,
      ({ user, fixed }) => user !== first.user && fixed !== rotated.fixed,
    );
    assertEquals(after.colour, "green");
    assert(await works(), "what the file ends with logs in");
    const gone = async () => await postgres.users(first.user) === 0;
    assert(await eventually(gone), "what ran out while the node was down has ended");
  });
});
