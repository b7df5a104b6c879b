/** Programs of others that tests start: database servers and their clients. */
import { freePortIn } from "../../../base/testing.ts";

export interface Ran {
  readonly success: boolean;
  readonly stdout: string;
}

async function ran(command: readonly string[], env: Record<string, string>): Promise<Ran> {
  const [program = "", ...args] = command;
  const { success, stdout } = await new Deno.Command(program, {
    args,
    env,
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).output();
  return { success, stdout: new TextDecoder().decode(stdout).trim() };
}

/** What a program prints; undefined where it fails. */
export async function output(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<string | undefined> {
  const { success, stdout } = await ran(command, env);
  return success ? stdout : undefined;
}

/** The first of some programs that is installed. */
export async function findProgram(...names: readonly string[]): Promise<string | undefined> {
  const path = "PATH=$PATH:/usr/sbin:/usr/local/sbin";
  const tries = names.map((name) => `command -v ${name}`).join(" || ");
  return await output(["sh", "-c", `${path}; ${tries}`]) || undefined;
}

/** What comes before a program that must not run as root; undefined where there is no such user. */
export async function runAs(user: string): Promise<string[] | undefined> {
  if (Deno.uid() !== 0) return [];
  if (await output(["id", user]) === undefined) return undefined;
  return ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
}

/** A directory for a server, which owns it. */
export async function serverFolder(as: readonly string[], user: string): Promise<string> {
  const dir = await Deno.makeTempDir({ prefix: `holdfast-${user}-` });
  if (as.length > 0) await output(["chown", user, dir]);
  return dir;
}

/** A port that is free at the moment, of a range that only these tests use. */
export const freePort = () => freePortIn(28_500, 400);

/** Says that a test is skipped; fails instead where CI is set, for there everything must be. */
export function skipped(what: string): undefined {
  if ((Deno.env.get("CI") ?? "") !== "") throw new Error(`needs ${what}`);
  console.log(`skipped: needs ${what}`);
  return undefined;
}

/** A server that can be stopped and started again on the same data. */
export class Server {
  #child: Deno.ChildProcess | undefined;

  constructor(
    readonly dir: string,
    readonly command: readonly string[],
    readonly isUp: () => Promise<boolean>,
  ) {}

  /** Throws where it does not come up. */
  async start(): Promise<void> {
    const [program = "", ...args] = this.command;
    this.#child = new Deno.Command(program, {
      args,
      cwd: "/",
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    if (!await eventually(this.isUp)) throw new Error(`${program} did not start`);
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill(signal);
    await child.status;
  }

  async remove(): Promise<void> {
    await this.stop();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Waits up to ten seconds for something outside of our clock. */
export async function eventually(holds: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
