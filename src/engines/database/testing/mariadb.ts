/** A throw-away MariaDB for tests. */
import { join } from "node:path";
import type { JsonObject } from "../../../logical/json.ts";
import { makeCertificates, type TestCertificates } from "./certificates.ts";
import type { TestDatabase } from "./database.ts";
import { findProgram, freePort, output, runAs, Server, serverFolder, skipped } from "./process.ts";

const superuser = { name: "super", password: "superpw" };

async function ask(
  port: number,
  user: string,
  password: string,
  query: string,
): Promise<string | undefined> {
  const at = ["--no-defaults", "-h127.0.0.1", `-P${port}`, "--connect-timeout=5", "--skip-ssl"];
  return await output(["mariadb", ...at, `-u${user}`, "-BN", "-e", query], {
    MYSQL_PWD: password,
  });
}

export class TestMariadb implements TestDatabase {
  private constructor(
    readonly server: Server,
    readonly port: number,
    readonly certificates: TestCertificates,
  ) {}

  /** Undefined, with a message, where it is not installed. */
  static async start(): Promise<TestMariadb | undefined> {
    const program = await findProgram("mariadbd");
    const install = await findProgram("mariadb-install-db");
    const as = await runAs("mysql");
    if (program === undefined || install === undefined || as === undefined) {
      return skipped("mariadb-server");
    }
    const dir = await serverFolder(as, "mysql");
    const data = `--datadir=${join(dir, "data")}`;
    const options = ["--auth-root-authentication-method=normal", "--skip-test-db"];
    if (await output([...as, install, "--no-defaults", data, ...options]) === undefined) {
      throw new Error("mariadb-install-db failed");
    }
    const certificates = await makeCertificates(dir, superuser.name);
    const port = freePort();
    const { caFile, certFile, keyFile } = certificates;
    const command = [...as, program, "--no-defaults", data, `--port=${port}`].concat([
      "--bind-address=127.0.0.1",
      "--skip-name-resolve",
      `--socket=${join(dir, "s.sock")}`,
      `--ssl-ca=${caFile}`,
      `--ssl-cert=${certFile}`,
      `--ssl-key=${keyFile}`,
      "--innodb-buffer-pool-size=16M",
    ]);
    const isUp = async () =>
      await ask(port, superuser.name, superuser.password, "select 1") === "1" ||
      await ask(port, "root", "", "select 1") === "1";
    const server = new Server(dir, command, isUp);
    await server.start();
    const grant = "grant all on *.* to 'super'@'%' identified by 'superpw' with grant option;";
    await ask(
      port,
      "root",
      "",
      `${grant} create table mysql.things (n int);` +
        "insert into mysql.things values (42); drop user if exists ''@'localhost';" +
        "alter user root@localhost account lock",
    );
    return new TestMariadb(server, port, certificates);
  }

  asSuper(query: string): Promise<string | undefined> {
    return ask(this.port, superuser.name, superuser.password, query);
  }

  async superLogin(): Promise<boolean> {
    return await this.asSuper("select 1") === "1";
  }

  async login(user: string, password: string): Promise<boolean> {
    return await ask(this.port, user, password, "select n from mysql.things") === "42";
  }

  /** A session that lasts until it is ended, or half a minute. False where it was ended. */
  async session(user: string, password: string): Promise<boolean> {
    return await ask(this.port, user, password, "select sleep(30)") !== undefined;
  }

  /** How many sessions a user has. */
  async sessions(user: string): Promise<number> {
    const query = `select count(*) from information_schema.processlist where user = '${user}'`;
    return Number(await this.asSuper(query));
  }

  /** How many users there are of a name. */
  async users(name: string): Promise<number> {
    return Number(await this.asSuper(`select count(*) from mysql.user where user like '${name}'`));
  }

  async addUser(name: string, password: string): Promise<void> {
    await this.asSuper(`grant select on mysql.things to '${name}'@'%' identified by '${password}'`);
  }

  readonly creation = [
    "create user '{{name}}'@'%' identified by '{{password}}'; " +
    "grant select on mysql.things to '{{name}}'@'%';",
  ];
  /** Makes a user, and then fails. */
  readonly broken = ["create user '{{name}}'@'%'; grant select on mysql.none to nobody@nowhere"];
  readonly revocation = ["drop user '{{name}}'@'%'"];

  get config(): JsonObject {
    return {
      plugin_name: "mysql-database-plugin",
      allowed_roles: "*",
      username: superuser.name,
      password: superuser.password,
      connection_url: `{{username}}:{{password}}@tcp(127.0.0.1:${this.port})/`,
    };
  }
}
