/** Real servers in processes of their own, for tests. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { freePortIn } from "../base/testing.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Directory for one test; removed by `dispose`. */
export async function scratch(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "holdfast-server-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** A port of this room's range that is free at the moment. */
export const freePort = () => freePortIn(23_000, 400, 2);

export interface Spawned extends AsyncDisposable {
  /** Standard output and standard error so far. */
  output(): string;
  /** Resolves once the output holds a text. Throws with the output where it ends or takes long. */
  saw(text: string | RegExp): Promise<void>;
  signal(name: Deno.Signal): void;
  /** The exit code. */
  readonly ended: Promise<number>;
  readonly pid: number;
}

/**
 * Starts the program with some arguments. `limits` is a line for the shell, such as a ulimit;
 * `source` another checkout whose program it is.
 */
export function spawn(
  args: readonly string[],
  env: Record<string, string> = {},
  limits = ":",
  source = root,
): Spawned {
  const program = ["run", "-A", "--config", `${source}/deno.json`, `${source}/main.ts`, ...args];
  return watch(["-c", `${limits}; exec "$0" "$@"`, Deno.execPath(), ...program], env);
}

/** Starts one of the repository's scripts, with this runtime in its path. */
export function spawnScript(name: string, env: Record<string, string> = {}): Spawned {
  const path = `${dirname(Deno.execPath())}:${Deno.env.get("PATH") ?? ""}`;
  return watch([`${root}/scripts/${name}`], { PATH: path, ...env });
}

function watch(args: readonly string[], env: Record<string, string>): Spawned {
  const child = new Deno.Command("sh", {
    args: [...args],
    env: { NO_COLOR: "1", VAULT_TOKEN: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  let over = false;
  const ended = child.status.then(async ({ code }) => {
    // What a killed script leaves behind holds the pipes open.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise((resolve) => timer = setTimeout(resolve, 1000));
    await Promise.race([collected, enough]);
    clearTimeout(timer);
    over = true;
    return code;
  });
  return {
    pid: child.pid,
    ended,
    output: () => output,
    signal: (name) => child.kill(name),
    async saw(text) {
      const found = () => typeof text === "string" ? output.includes(text) : text.test(output);
      await eventually(() => found() || over, () => `waiting for ${text}:\n${output}`);
      if (!found()) throw new Error(`it ended without ${text}:\n${output}`);
    },
    async [Symbol.asyncDispose]() {
      if (!over) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Starts a server and waits until it answers. */
export async function startServer(
  configPath: string,
  env: Record<string, string> = {},
  limits = ":",
): Promise<Spawned> {
  const server = spawn(["server", `-config=${configPath}`], env, limits);
  try {
    await server.saw("server started!");
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/** Asks again every few milliseconds, for at most ten seconds or as long as is said. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  explain: () => string = () => "it did not come to be",
  ms = 10_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(explain());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface Answer {
  readonly status: number;
  /** What lies in the body's JSON under these names and indexes; undefined for nothing. */
  at(...path: (string | number)[]): unknown;
  readonly headers: Headers;
}

/** One call of the API. */
export async function api(
  address: string,
  path: string,
  options: { token?: string; body?: unknown; method?: string; headers?: HeadersInit } = {},
): Promise<Answer> {
  const headers = new Headers(options.headers);
  if (options.token !== undefined) headers.set("x-vault-token", options.token);
  const response = await fetch(`${address}/v1/${path}`, {
    method: options.method ?? (options.body === undefined ? "GET" : "PUT"),
    headers,
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const body: unknown = text === "" ? undefined : JSON.parse(text);
  const into = (value: unknown, name: string | number): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  return {
    status: response.status,
    headers: response.headers,
    at: (...path) => path.reduce(into, body),
  };
}

/** Initialises with one key and unseals. */
export async function bringUp(address: string): Promise<{ key: string; token: string }> {
  const made = await api(address, "sys/init", { body: { secret_shares: 1, secret_threshold: 1 } });
  const key = String(made.at("keys_base64", 0));
  await api(address, "sys/unseal", { body: { key } });
  return { key, token: String(made.at("root_token")) };
}

/** A connection whose bytes the test writes itself. */
export async function rawConnection(port: number) {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  return {
    send: (text: string) => connection.write(new TextEncoder().encode(text)),
    /** All that comes until the other side closes, and after how many milliseconds it did. */
    async untilClosed(): Promise<{ text: string; afterMs: number }> {
      const start = performance.now();
      let text = "";
      const buffer = new Uint8Array(65536);
      try {
        for (;;) {
          const count = await connection.read(buffer);
          if (count === null) break;
          text += new TextDecoder().decode(buffer.subarray(0, count));
        }
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      }
      return { text, afterMs: performance.now() - start };
    },
    close: () => connection.close(),
  };
}
