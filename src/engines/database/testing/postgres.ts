/** A throw-away PostgreSQL for tests. */
import { dirname, join } from "node:path";
import type { JsonObject } from "../../../logical/json.ts";
import { makeCertificates, type TestCertificates } from "./certificates.ts";
import { freePort, output, runAs, Server, serverFolder, skipped } from "./process.ts";

const superuser = { name: "super", password: "superpw" };

/** Passwords without encryption and with it; certificates for who is named so. */
const accessRules = `
hostssl all   certified 127.0.0.1/32 cert
host    all   all       127.0.0.1/32 scram-sha-256
`;

/** The folder of PostgreSQL's programs; undefined where they are not installed. */
async function findPrograms(): Promise<string | undefined> {
  const found = await output([
    "sh",
    "-c",
    "ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null || command -v initdb",
  ]);
  const initdb = found?.split("\n").at(-1);
  return initdb ? dirname(initdb) : undefined;
}

export class TestPostgres {
  private constructor(
    readonly server: Server,
    readonly programs: string,
    readonly port: number,
    readonly certificates: TestCertificates,
  ) {}

  /** Undefined, with a message, where it is not installed. */
  static async start(): Promise<TestPostgres | undefined> {
    const programs = await findPrograms();
    const as = await runAs("postgres");
    if (programs === undefined || as === undefined) return skipped("postgresql");
    const dir = await serverFolder(as, "postgres");
    const at = (name: string) => join(dir, name);
    await Deno.writeTextFile(at("pw"), superuser.password);
    await Deno.writeTextFile(at("hba"), accessRules);
    for (const name of ["pw", "hba"]) await Deno.chmod(at(name), 0o644);
    const data = at("data");
    const how = ["--pwfile", at("pw"), "-N", "--locale=C", "-E", "UTF8"];
    await output([...as, join(programs, "initdb"), "-D", data, "-U", superuser.name, ...how]);
    const certificates = await makeCertificates(dir, "certified");
    const port = freePort();
    const settings = [
      `hba_file=${at("hba")}`,
      "ssl=on",
      `ssl_ca_file=${certificates.caFile}`,
      `ssl_cert_file=${certificates.certFile}`,
      `ssl_key_file=${certificates.keyFile}`,
    ].flatMap((setting) => ["-c", setting]);
    const command = [...as, join(programs, "postgres"), "-D", data, "-p", `${port}`]
      .concat(["-h", "127.0.0.1", "-k", dir, "-F", ...settings]);
    const isUp = async (): Promise<boolean> => await started.asSuper("select 1") === "1";
    const started: TestPostgres = new TestPostgres(
      new Server(dir, command, isUp),
      programs,
      port,
      certificates,
    );
    await started.server.start();
    return started;
  }

  /** What a query answers, undefined where the login or the query fails. */
  async ask(user: string, password: string, query: string): Promise<string | undefined> {
    const address = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", user, "-d", "postgres"];
    return await output([join(this.programs, "psql"), ...address, "-w", "-tAc", query], {
      PGPASSWORD: password,
      PGCONNECT_TIMEOUT: "5",
      PGSSLMODE: "disable",
    });
  }

  asSuper(query: string): Promise<string | undefined> {
    return this.ask(superuser.name, superuser.password, query);
  }

  /** How many users there are of a name, or of a `like` pattern. */
  async users(name: string): Promise<number> {
    return Number(await this.asSuper(`select count(*) from pg_roles where rolname like '${name}'`));
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
}
