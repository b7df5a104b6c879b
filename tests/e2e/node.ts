/** A node in a process of its own, on integrated storage in a directory of its own. */
import { freePortIn } from "../../src/base/testing.ts";
import { environment, type Output, program, run } from "./program.ts";

/** The keys of a node that `setUp` initialised. */
export interface Keys {
  readonly unsealKey: string;
  readonly rootToken: string;
}

/** An answer of the API. */
export class Answer {
  constructor(readonly status: number, readonly body: unknown) {}

  /** What lies at a path of names: `get("data.keys.0")`. */
  get(path: string): unknown {
    return at(this.body, path);
  }
}

/** What lies at a path of names in a parsed document; undefined where it leads nowhere. */
export function at(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split(".")) {
    found = found instanceof Object ? Reflect.get(found, name) : undefined;
  }
  return found;
}

/** Free ports of the range that these tests have for themselves; the next one is free as well. */
export const freePort = () => freePortIn(25_400, 480, 2);

export class TestNode implements AsyncDisposable {
  readonly port = freePort();
  readonly url = `http://127.0.0.1:${this.port}`;
  readonly data: string;
  readonly config: string;
  keys: Keys | undefined;
  #child: Deno.ChildProcess | undefined;
  #output = "";
  #ended: Promise<number> | undefined;

  private constructor(readonly folder: string, readonly bin: string) {
    this.data = `${folder}/data`;
    this.config = `${folder}/node.hcl`;
  }

  /** A directory and a configuration; nothing is started. */
  static async create(extra = "", bin?: string): Promise<TestNode> {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-e2e-" });
    const node = new TestNode(folder, bin ?? await program());
    await Deno.writeTextFile(node.config, node.#hcl(extra));
    return node;
  }

  #hcl(extra: string): string {
    return `storage "raft" {
  path    = "${this.data}"
  node_id = "e2e"
}
listener "tcp" {
  address     = "127.0.0.1:${this.port}"
  tls_disable = true
}
api_addr     = "${this.url}"
cluster_addr = "https://127.0.0.1:${this.port + 1}"
${extra}
`;
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    if (this.#child === undefined) throw new Error("the node is not running");
    return this.#child.pid;
  }

  /** Resolves with the exit code. */
  get ended(): Promise<number> {
    return this.#ended ?? Promise.resolve(0);
  }

  /** Starts and waits until it answers, or resolves with the exit code where it refuses. */
  async start(env: Record<string, string> = {}): Promise<number | undefined> {
    this.#output = "";
    const child = new Deno.Command(this.bin, {
      args: ["server", `-config=${this.config}`],
      clearEnv: true,
      env: environment(env),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#output += text;
    };
    const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
    let code: number | undefined;
    this.#ended = Promise.all([child.status, collected]).then(([status]) => code = status.code);
    for (let waited = 0; waited < 30_000; waited += 20) {
      if (code !== undefined) return code;
      if (await this.#answers()) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the node does not answer:\n${this.#output}`);
  }

  async #answers(): Promise<boolean> {
    try {
      await this.api("GET", "sys/health");
      return true;
    } catch (error) {
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  /** Ends it by a signal and resolves with the exit code. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    this.#child = undefined;
    try {
      child.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    return await this.ended;
  }

  /** One request with the root token, if there is one. */
  async api(method: string, path: string, body?: unknown, headers: HeadersInit = {}) {
    const response = await fetch(`${this.url}/v1/${path}`, {
      method,
      headers: { "X-Vault-Token": this.keys?.rootToken ?? "", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return new Answer(response.status, text === "" ? {} : JSON.parse(text));
  }

  /** The client's command line. */
  cli(args: readonly string[], env: Record<string, string> = {}): Promise<Output> {
    return run(this.bin, args, {
      env: {
        VAULT_ADDR: this.url,
        VAULT_TOKEN: this.keys?.rootToken ?? "",
        HOME: this.folder,
        ...env,
      },
    });
  }

  /** Starts, initialises with one key, unseals. */
  async setUp(env: Record<string, string> = {}): Promise<Keys> {
    const code = await this.start(env);
    if (code !== undefined) throw new Error(`the node ended with ${code}:\n${this.output}`);
    const made = await this.api("POST", "sys/init", { secret_shares: 1, secret_threshold: 1 });
    const text = (path: string) => String(made.get(path));
    this.keys = { unsealKey: text("keys_base64.0"), rootToken: text("root_token") };
    await this.unseal();
    return this.keys;
  }

  async unseal(): Promise<void> {
    const answer = await this.api("POST", "sys/unseal", { key: this.keys?.unsealKey });
    if (answer.status !== 200 || answer.get("sealed") !== false) {
      throw new Error(`still sealed: ${JSON.stringify(answer.body)}\n${this.output}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await Deno.remove(this.folder, { recursive: true });
  }
}
