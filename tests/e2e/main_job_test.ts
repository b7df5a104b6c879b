/** The main job, as the README tells it: put a secret in, stop, start, unseal, read it back. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestNode } from "./node.ts";
import { environment, run } from "./program.ts";

async function curl(node: TestNode, ...args: string[]): Promise<string> {
  const { stdout } = await run("curl", ["--silent", ...args]);
  return stdout || `nothing from ${node.url}`;
}

Deno.test("a secret that was put in is read back after a stop and a start", async () => {
  await using node = await TestNode.create();
  assertEquals(await node.start(), undefined);
  assertStringIncludes(node.output, "raft (HA available)");

  const init = await node.cli([
    "operator",
    "init",
    "-key-shares=3",
    "-key-threshold=2",
    "-format=json",
  ]);
  assertEquals(init.code, 0, init.text);
  const made = JSON.parse(init.stdout);
  node.keys = { unsealKey: made.unseal_keys_b64[0], rootToken: made.root_token };
  const unseal = async () => {
    assertEquals((await node.cli(["status"])).code, 2, "a sealed node's status is 2");
    for (const key of made.unseal_keys_b64.slice(1)) {
      const { code, text } = await node.cli(["operator", "unseal", key]);
      assertEquals(code, 0, text);
    }
    assertEquals((await node.cli(["status"])).code, 0);
  };
  await unseal();

  const enabled = await node.cli(["secrets", "enable", "-version=2", "-path=secret", "kv"]);
  assertEquals(enabled.code, 0, enabled.text);
  const put = await node.cli(["kv", "put", "secret/hello", "who=world"]);
  assertEquals(put.code, 0, put.text);

  const read = async () => {
    const { stdout } = await node.cli(["kv", "get", "-field=who", "secret/hello"]);
    assertEquals(stdout.trim(), "world");
    const answer = JSON.parse(
      await curl(
        node,
        ...["--header", `X-Vault-Token: ${made.root_token}`, `${node.url}/v1/secret/data/hello`],
      ),
    );
    assertEquals(answer.data.data, { who: "world" });
  };
  await read();

  assertEquals(await node.stop("SIGTERM"), 0, node.output);
  assertEquals(await node.start(), undefined, node.output);
  await unseal();
  await read();

  await node.stop("SIGKILL");
  assertEquals(await node.start(), undefined, node.output);
  await unseal();
  await read();
});

Deno.test("what was acknowledged is there after kill -9, again and again", async () => {
  await using node = await TestNode.create();
  await node.setUp();
  await node.api("POST", "sys/mounts/kv", { type: "kv", options: { version: "1" } });
  const acknowledged = new Map<string, number>();
  let n = 0;
  const rounds = Deno.env.get("HOLDFAST_SLOW") === "1" ? 20 : 3;
  for (let round = 0; round < rounds; round++) {
    let alive = true;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      while (alive) {
        const value = n++;
        const key = `${writer}/${value % 50}`;
        try {
          const { status } = await node.api("PUT", `kv/${key}`, { value });
          if (status === 204) acknowledged.set(key, value);
        } catch (error) {
          // The node was killed: whether this write is there nobody knows.
          if (!(error instanceof TypeError)) throw error;
          return;
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 400));
    await node.stop("SIGKILL");
    alive = false;
    await Promise.all(writers);
    assertEquals(await node.start(), undefined, node.output);
    await node.unseal();
    for (const [key, value] of acknowledged) {
      const found = Number((await node.api("GET", `kv/${key}`)).get("data.value"));
      assert(found >= value, `${key} is ${found}, ${value} was acknowledged`);
    }
  }
  assert(acknowledged.size > 50, "hardly anything was written");
});

Deno.test("a second process on the same directory is refused, and says whose it is", async () => {
  await using node = await TestNode.create();
  await node.setUp();
  await using other = await TestNode.create();
  const text = await Deno.readTextFile(other.config);
  await Deno.writeTextFile(other.config, text.replace(other.data, node.data));
  const code = await other.start();
  assertEquals(code, 1);
  assertStringIncludes(other.output, "in use by another process");
  assertEquals((await node.api("GET", "sys/health")).status, 200);
});

Deno.test("a dev server is ready at once, with the token that was asked for", async () => {
  await using node = await TestNode.create();
  const env = { HOME: node.folder, VAULT_ADDR: node.url };
  const args = ["server", "-dev", "-dev-root-token-id=root"];
  const child = new Deno.Command(node.bin, {
    args: [...args, `-dev-listen-address=127.0.0.1:${node.port}`],
    clearEnv: true,
    env: environment(env),
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let output = "";
  while (!output.includes("Root Token: root")) {
    const { value, done } = await reader.read();
    if (done) break;
    output += value;
  }
  try {
    assertStringIncludes(output, "Unseal Key: ");
    const put = await run(node.bin, ["kv", "put", "secret/a", "x=1"], { env });
    assertEquals(put.code, 0, put.text);
    const got = await run(node.bin, ["kv", "get", "-field=x", "secret/a"], { env });
    assertEquals(got.stdout.trim(), "1");
  } finally {
    child.kill("SIGINT");
  }
  const { code } = await child.status;
  await reader.cancel();
  assertEquals(code, 0);
});
