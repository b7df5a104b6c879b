/** A throw-away Valkey or Redis for tests, whichever there is. */
import { join } from "node:path";
import type { JsonObject } from "../../../logical/json.ts";
import { makeCertificates, type TestCertificates } from "./certificates.ts";
import type { TestDatabase } from "./database.ts";
import { findProgram, freePort, output, Server, serverFolder, skipped } from "./process.ts";

const superuser = { name: "super", password: "superpw" };

const settings = (dir: string, port: number, tlsPort: number, files: TestCertificates) => `
port ${port}
tls-port ${tlsPort}
tls-auth-clients no
tls-ca-cert-file ${files.caFile}
tls-cert-file ${files.certFile}
tls-key-file ${files.keyFile}
bind 127.0.0.1
save ""
dir ${dir}
aclfile ${join(dir, "users.acl")}
`;

const users = `user default off
user ${superuser.name} on >${superuser.password} ~* &* +@all
user limited on >limitedpw ~* +acl +ping
`;

export class TestRedis implements TestDatabase {
  private constructor(
    readonly server: Server,
    readonly client: string,
    readonly port: number,
    readonly tlsPort: number,
    readonly certificates: TestCertificates,
  ) {}

  /** Undefined, with a message, where neither is installed. */
  static async start(): Promise<TestRedis | undefined> {
    const program = await findProgram("valkey-server", "redis-server");
    const client = await findProgram("valkey-cli", "redis-cli");
    if (program === undefined || client === undefined) return skipped("valkey or redis-server");
    const dir = await serverFolder([], "redis");
    const certificates = await makeCertificates(dir, superuser.name);
    const [port, tlsPort] = [freePort(), freePort()];
    const configuration = join(dir, "redis.conf");
    await Deno.writeTextFile(configuration, settings(dir, port, tlsPort, certificates));
    await Deno.writeTextFile(join(dir, "users.acl"), users);
    const isUp = (): Promise<boolean> => started.superLogin();
    const server = new Server(dir, [program, configuration], isUp);
    const started: TestRedis = new TestRedis(server, client, port, tlsPort, certificates);
    await server.start();
    return started;
  }

  /** What a command answers; undefined where the login or the command fails. */
  async ask(user: string, password: string, ...command: string[]): Promise<string | undefined> {
    const at = [this.client, "-e", "-h", "127.0.0.1", "-p", `${this.port}`];
    return await output([...at, "--user", user, "--no-auth-warning", ...command], {
      REDISCLI_AUTH: password,
    });
  }

  asSuper(...command: string[]): Promise<string | undefined> {
    return this.ask(superuser.name, superuser.password, ...command);
  }

  async superLogin(): Promise<boolean> {
    return await this.asSuper("ping") === "PONG";
  }

  async login(user: string, password: string): Promise<boolean> {
    return await this.ask(user, password, "get", "nothing") === "";
  }

  /** False where it was ended. */
  async session(user: string, password: string): Promise<boolean> {
    return await this.ask(user, password, "blpop", "nothing", "30") !== undefined;
  }

  async sessions(user: string): Promise<number> {
    const list = await this.asSuper("client", "list") ?? "";
    return list.split("\n").filter((line) => line.includes(` user=${user} `)).length;
  }

  async users(name: string): Promise<number> {
    const pattern = new RegExp(`^${name.replaceAll("%", ".*")}$`);
    const all = await this.asSuper("acl", "users") ?? "";
    return all.split("\n").filter((user) => pattern.test(user)).length;
  }

  async addUser(name: string, password: string): Promise<void> {
    await this.asSuper("acl", "setuser", name, "on", `>${password}`, "~*", "+@read");
  }

  readonly creation = ['["~*", "+@read", "+@blocking", "+@write"]'];
  readonly broken = ['["~*", "+nonsense"]'];
  /** Not heeded: there are none for this kind. */
  readonly revocation = ["anything"];

  get config(): JsonObject {
    return {
      plugin_name: "redis-database-plugin",
      allowed_roles: "*",
      host: "127.0.0.1",
      port: this.port,
      username: superuser.name,
      password: superuser.password,
    };
  }
}
