/** The built executable, as the tests start it. */
import { fromFileUrl } from "./paths.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));

/** Where tests keep what they unpack and download; `dist/` is nobody's but the build's. */
export const cacheFolder = `${root}/dist/.cache`;

/** dist/holdfast, or what HOLDFAST_BIN names; built where it is not there. */
export async function program(): Promise<string> {
  const given = Deno.env.get("HOLDFAST_BIN");
  if (given !== undefined) return given;
  const path = `${root}/dist/holdfast`;
  try {
    await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const { code, text } = await run("sh", [`${root}/scripts/build`]);
    if (code !== 0) throw new Error(text);
  }
  return path;
}

export const repository = root;

export interface Output {
  readonly code: number;
  readonly stdout: string;
  /** Both streams. */
  readonly text: string;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

/** The environment of a program under test: nothing of the tester's own Vault or terminal. */
export function environment(extra: Record<string, string> = {}): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    if (!/^(VAULT|BAO|HOLDFAST|DENO)_|^(NOTIFY_SOCKET|WATCHDOG_)/.test(name)) kept[name] = value;
  }
  return { ...kept, NO_COLOR: "1", XDG_CACHE_HOME: cacheFolder, ...extra };
}

/** Runs a program to its end; kills it after a time (two minutes). */
export async function run(
  command: string,
  args: readonly string[],
  { env = {}, cwd, stdin, timeoutMs = 120_000 }: RunOptions = {},
): Promise<Output> {
  const child = new Deno.Command(command, {
    args: [...args],
    clearEnv: true,
    env: environment(env),
    ...(cwd === undefined ? {} : { cwd }),
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(timeoutMs),
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const out = decoder.decode(stdout);
  return { code, stdout: out, text: out + decoder.decode(stderr) };
}
