/** A throw-away PostgreSQL for tests, and a node that talks to it. */
import { dirname, join } from "node:path";
import { NodeKit } from "../../core/testing/kit.ts";
import type { JsonObject } from "../../logical/json.ts";
import { backendFactory } from "../../server/backends.ts";
import type { Storage } from "../../storage/storage.ts";

const superuser = { name: "super", password: "superpw" };

interface Programs {
  readonly folder: string;
  /** Before a program, where it must not run as root. */
  readonly as: readonly string[];
}

async function output(command: readonly string[], env: Record<string, string> = {}) {
  const [program = "", ...args] = command;
  const { success, stdout } = await new Deno.Command(program, {
    args,
    env,
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

/** Where PostgreSQL's programs are; undefined where they are not installed. */
async function findPrograms(): Promise<Programs | undefined> {
  const found = await output([
    "sh",
    "-c",
    "ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null || command -v initdb",
  ]);
  const initdb = found?.split("\n").at(-1);
  if (!initdb) return undefined;
  if (Deno.uid() !== 0) return { folder: dirname(initdb), as: [] };
  if (await output(["id", "postgres"]) === undefined) return undefined;
  return {
    folder: dirname(initdb),
    as: ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"],
  };
}

export class TestPostgres {
  private constructor(
    readonly programs: Programs,
    readonly dir: string,
    readonly port: number,
    readonly server: Deno.ChildProcess,
  ) {}

  /** Undefined, with a message, where it can't be started. */
  static async start(): Promise<TestPostgres | undefined> {
    const programs = await findPrograms();
    if (programs === undefined) {
      console.log("skipped: PostgreSQL is not installed");
      return undefined;
    }
    const dir = await Deno.makeTempDir({ prefix: "holdfast-pg-" });
    const { folder, as } = programs;
    if (as.length > 0) await output(["chown", "postgres", dir]);
    const passwordFile = join(dir, "pw");
    await Deno.writeTextFile(passwordFile, superuser.password);
    await Deno.chmod(passwordFile, 0o644);
    const data = join(dir, "data");
    await output([...as, join(folder, "initdb"), "-D", data, "-U", superuser.name, "-A"]
      .concat(["scram-sha-256", "--pwfile", passwordFile, "-N", "--locale=C", "-E", "UTF8"]));
    const port = 28500 + Math.floor(Math.random() * 400);
    const [program = "", ...args] = [...as, join(folder, "postgres"), "-D", data, "-p", `${port}`];
    const server = new Deno.Command(program, {
      args: [...args, "-h", "127.0.0.1", "-k", dir, "-F"],
      cwd: "/",
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const started = new TestPostgres(programs, dir, port, server);
    for (let tries = 0; tries < 100; tries++) {
      if (await started.asSuper("select 1") === "1") return started;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await started.stop();
    console.log("skipped: PostgreSQL did not start");
    return undefined;
  }

  /** What a query answers, undefined where the login or the query fails. */
  async ask(user: string, password: string, query: string): Promise<string | undefined> {
    const address = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", user, "-d", "postgres"];
    return await output([join(this.programs.folder, "psql"), ...address, "-w", "-tAc", query], {
      PGPASSWORD: password,
      PGCONNECT_TIMEOUT: "5",
    });
  }

  asSuper(query: string): Promise<string | undefined> {
    return this.ask(superuser.name, superuser.password, query);
  }

  /** How many users there are of a name. */
  async users(name: string): Promise<number> {
    return Number(await this.asSuper(`select count(*) from pg_roles where rolname = '${name}'`));
  }

  get config(): JsonObject {
    return {
      plugin_name: "postgresql-database-plugin",
      allowed_roles: "*",
      username: superuser.name,
      password: superuser.password,
      connection_url:
        `postgresql://{{username}}:{{password}}@127.0.0.1:${this.port}/postgres?sslmode=disable`,
    };
  }

  async stop(): Promise<void> {
    this.server.kill("SIGINT");
    await this.server.status;
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** A node with all backends. */
export async function databaseNode(physical?: Storage): Promise<NodeKit> {
  const kit = new NodeKit({
    ...(physical === undefined ? {} : { physical }),
    backends: (services, node) => backendFactory(node)(services),
  });
  return await kit.start();
}

/** Waits for something outside of our clock. */
export async function eventually(holds: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 50; tries++) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
