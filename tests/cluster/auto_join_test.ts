/** A node finds its cluster by DNS, also where the name points elsewhere at first. */
import { assert, assertEquals } from "@std/assert";
import { eventually, scratch, spawn } from "../../src/server/testing.ts";
import { call, kill, makeNode, start, voters } from "./process_kit.ts";
import { serveDns } from "./dns_kit.ts";

Deno.test("auto_join asks DNS anew before each attempt", async () => {
  await using folder = await scratch();
  const a = await makeNode(folder.path, "a");
  using dns = serveDns();
  dns.srv = { port: 9, target: "localhost" };
  const from = `provider=dns type=srv name=_holdfast._tcp.test nameserver=127.0.0.1:${dns.port}`;
  const b = await makeNode(folder.path, "b", { autoJoin: from });
  // Addresses of a name, at a port that is the same for all.
  const named = `provider=dns name=nodes.test nameserver=127.0.0.1:${dns.port}`;
  const c = await makeNode(folder.path, "c");
  const nodes = [a, b, c];
  await using _ = {
    [Symbol.asyncDispose]: async () => {
      for (const node of nodes) await kill(node);
    },
  };
  await Promise.all(nodes.map(start));
  const made = await call(a, "sys/init", { body: { secret_shares: 1, secret_threshold: 1 } });
  const key = String(made.at("keys_base64", 0)), token = String(made.at("root_token"));
  await call(a, "sys/unseal", { body: { key } });
  await eventually(() => b.process?.output().includes("joining failed") === true);
  dns.srv = { port: a.port, target: "localhost" };
  await eventually(async () => (await call(b, "sys/seal-status")).at("t") === 1);
  await call(b, "sys/unseal", { body: { key } });
  const body = { auto_join: named, auto_join_scheme: "http", auto_join_port: a.port };
  assertEquals((await call(c, "sys/storage/raft/join", { body })).at("joined"), true);
  await call(c, "sys/unseal", { body: { key } });
  await eventually(async () => await voters(a, token) === 3);
});

Deno.test("a provider that is not here is refused at the start", async () => {
  await using folder = await scratch();
  const a = await makeNode(folder.path, "a", { autoJoin: "provider=aws tag_key=x" });
  const ran = spawn(["server", `-config=${a.config}`]);
  assertEquals(await ran.ended, 1);
  assert(ran.output().includes('provider "aws" is not known'), ran.output());
});
