/**
 * A real node is killed with SIGKILL while it makes and drops users of a real PostgreSQL and changes
 * passwords there: before a statement of its reaches the database, as it does, as its answer comes,
 * and at any time. Whatever was under way, in the end nobody is left in the database without a lease,
 * whoever was answered can log in, and all passwords that are kept are right. 24 kills; 240 with
 * HOLDFAST_SLOW=1.
 */
import { assert, assertEquals } from "@std/assert";
import { TestPostgres } from "../../src/engines/database/testing/postgres.ts";
import { eventually, freePort } from "../../src/engines/database/testing/process.ts";
import { Proxy } from "../../src/engines/database/testing/proxy.ts";
import { TestNode } from "../e2e/node.ts";
import { DatabaseLoad, staticUsers } from "./database_load.ts";

const kills = Deno.env.get("HOLDFAST_SLOW") === "1" ? 240 : 24;

/** Seconds that a user of the role `short` lives. */
const shortTtl = 3;

const statements = [
  /create role/i,
  /alter role "s\d" .*password/i,
  /alter role "mgr" .*password/i,
  /nologin/i,
  /drop role/i,
  /^Q....commit/is,
];
const times = ["before it arrives", "as it arrives", "as it is answered"] as const;

interface Moment {
  readonly statement: RegExp;
  readonly time: (typeof times)[number];
}

/** Each statement at each of its times, and as often any time at all. */
const moments: readonly (Moment | undefined)[] = statements
  .flatMap((statement) => times.map((time) => ({ statement, time })))
  .flatMap((moment, i) => i % 2 === 0 ? [moment, undefined] : [moment]);

/** Resolves at the moment, which the line to the database sees; after a while in any case. */
async function reached(proxy: Proxy, moment: Moment | undefined, kill: () => void) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const now = () => {
    kill();
    proxy.onRequest = proxy.onAnswer = () => "lose";
    resolve();
  };
  await new Promise((go) => setTimeout(go, Math.random() * 400));
  const timer = setTimeout(now, moment === undefined ? Math.random() * 400 : 3_000);
  if (moment !== undefined) {
    proxy.onRequest = (text) => {
      if (!moment.statement.test(text)) return "pass";
      if (moment.time === "as it is answered") {
        proxy.onAnswer = () => {
          now();
          return "lose";
        };
        return "pass";
      }
      now();
      return moment.time === "as it arrives" ? "pass" : "lose";
    };
  }
  await promise;
  clearTimeout(timer);
}

async function prepare(node: TestNode, postgres: TestPostgres, port: number): Promise<void> {
  await postgres.asSuper("create role mgr superuser login password 'first'");
  for (const name of staticUsers) await postgres.asSuper(`create role ${name} login`);
  const write = async (path: string, body: unknown) => {
    const answer = await node.api("POST", path, body);
    assert(answer.status < 300, `${path}: ${JSON.stringify(answer.body)}`);
  };
  await write("sys/mounts/database", { type: "database" });
  await write("database/config/pg", {
    ...postgres.config,
    username: "mgr",
    password: "first",
    connection_url:
      `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable`,
  });
  const creation_statements = `create role "{{name}}" login password '{{password}}'`;
  const role = { db_name: "pg", creation_statements };
  await write("database/roles/short", { ...role, default_ttl: `${shortTtl}s` });
  await write("database/roles/long", { ...role, default_ttl: "1h" });
  for (const username of staticUsers) {
    const data = { db_name: "pg", username, rotation_period: "1h" };
    await write(`database/static-roles/${username}`, data);
  }
}

async function staticPassword(node: TestNode, name: string): Promise<string> {
  return String((await node.api("GET", `database/static-creds/${name}`)).get("data.password"));
}

Deno.test(`nobody is left in a database, and no password wrong, after ${kills} kills`, async () => {
  const postgres = await TestPostgres.start();
  if (postgres === undefined) return;
  const proxy = new Proxy(freePort(), postgres.port);
  await using node = await TestNode.create();
  const load = new DatabaseLoad(node);
  const works = async (user: string, password: string) =>
    await postgres.ask(user, password, "select 1") === "1";
  const count = (role: string) => postgres.users(`v-%-${role}-%`);
  /** Who is told in a message that fails, without their passwords. */
  const names = async () => await postgres.asSuper("select rolname from pg_roles") ?? "";
  try {
    await node.setUp();
    await prepare(node, postgres, proxy.port);
    for (let round = 0; round < kills; round++) {
      const running = load.run();
      let stopped: Promise<unknown> = Promise.resolve();
      await reached(proxy, moments[round % moments.length], () => {
        stopped = node.stop("SIGKILL");
      });
      load.stop();
      await Promise.all([stopped, running]);
      proxy.cut();
      proxy.onRequest = proxy.onAnswer = () => "pass";
      await node.start();
      await node.unseal();
    }
    console.log([...load.done].map(([what, times]) => `${what}: ${times}`).join(", "));
    assertEquals(load.refusals, [], "a node that lives refuses nothing");

    for (const name of staticUsers) {
      const right = async () => await works(name, await staticPassword(node, name));
      assert(await eventually(right), `the password of ${name} is wrong`);
    }
    assertEquals((await node.api("POST", "database/reset/pg")).status, 204, "root's is right");
    assert(await eventually(async () => await count("short") === 0), await names());

    for (const { username, password, fate } of load.handed) {
      if (fate === "kept") assert(await works(username, password), `${username} can't log in`);
      if (fate === "revoked") {
        const gone = async () => await postgres.users(username) === 0;
        assert(await eventually(gone), `${username} is there, whose lease was revoked`);
      }
    }
    // Whoever is still there has a lease: with those they end.
    const path = "sys/leases/revoke-prefix/database/creds/long";
    const ended = await node.api("POST", path, { sync: true });
    assertEquals(ended.status, 204, JSON.stringify(ended.body));
    assertEquals(await count("long"), 0, await names());
  } finally {
    proxy.close();
    await postgres.server.remove();
  }
});

Deno.test("nobody waits for a database that has ended their session in the middle of its work", async () => {
  const postgres = await TestPostgres.start();
  if (postgres === undefined) return;
  await using node = await TestNode.create();
  const load = new DatabaseLoad(node);
  try {
    await node.setUp();
    await prepare(node, postgres, postgres.port);
    const running = load.run();
    const end = "select pg_terminate_backend(pid) from pg_stat_activity " +
      "where application_name = 'holdfast'";
    for (let breaks = 0; breaks < 20; breaks++) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
      await postgres.asSuper(end);
    }
    const began = performance.now();
    load.stop();
    await running;
    const waited = performance.now() - began;
    assert(waited < 15_000, `the last answer took ${waited} ms`);
    const health = await node.api("GET", "sys/health");
    assertEquals(health.get("sealed"), false);
    assert(!node.output.includes("nobody cared"), node.output);
  } finally {
    // PostgreSQL waits for those who are connected.
    await node.stop("SIGKILL");
    await postgres.server.remove();
  }
});
