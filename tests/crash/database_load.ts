/** Clients that ask a node for users of a database, and change passwords there, as fast as they can. */
import type { Answer, TestNode } from "../e2e/node.ts";

export interface Handed {
  readonly username: string;
  readonly password: string;
  readonly lease: string;
  /** Its revocation was asked for, nobody knows with what success; or was answered to be done. */
  fate: "kept" | "asked" | "revoked";
}

/** Users whose passwords are changed. */
export const staticUsers = ["s0", "s1", "s2"];

/** What a node that was not killed meanwhile answered, and should not have. */
export interface Refusal {
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

/** A session of the node that was killed last may hold its user for a moment: told, and tried again. */
const lateSession = /which is tried again: the server is still busy with this user/;

export class DatabaseLoad {
  /** Users of the role `long` that were answered. */
  readonly handed: Handed[] = [];
  readonly refusals: Refusal[] = [];
  /** Answers of success, by the first words of their path. */
  readonly done = new Map<string, number>();
  #running = false;

  constructor(readonly node: TestNode) {}

  /** Goes on until the node is killed, or `stop` is called. */
  async run(): Promise<void> {
    this.#running = true;
    const repeat = async (work: () => Promise<unknown>, pauseMs: number) => {
      while (this.#running) {
        await work();
        await new Promise((resolve) => setTimeout(resolve, Math.random() * pauseMs));
      }
    };
    await Promise.all([
      repeat(() => this.#read("long"), 20),
      repeat(() => this.#read("long"), 20),
      repeat(() => this.#read("short"), 20),
      repeat(() => this.#revoke(), 30),
      ...staticUsers.map((name) => repeat(() => this.#write(`database/rotate-role/${name}`), 40)),
      repeat(() => this.#write("database/rotate-root/pg"), 120),
    ]);
  }

  stop(): void {
    this.#running = false;
  }

  /** Undefined where the node was gone before it answered. */
  async #ask(method: string, path: string, body?: unknown): Promise<Answer | undefined> {
    let answer: Answer;
    try {
      answer = await this.node.api(method, path, body);
    } catch {
      this.#running = false;
      return undefined;
    }
    const what = path.split("/").slice(0, 2).join("/");
    if (answer.status < 300) this.done.set(what, (this.done.get(what) ?? 0) + 1);
    else if (this.#running) {
      const body = JSON.stringify(answer.body);
      if (!lateSession.test(body)) this.refusals.push({ path, status: answer.status, body });
    }
    return answer;
  }

  #write(path: string, body: unknown = {}): Promise<Answer | undefined> {
    return this.#ask("POST", path, body);
  }

  async #read(role: string): Promise<void> {
    const answer = await this.#ask("GET", `database/creds/${role}`);
    if (answer?.status !== 200 || role !== "long") return;
    const text = (path: string) => String(answer.get(path));
    this.handed.push({
      username: text("data.username"),
      password: text("data.password"),
      lease: text("lease_id"),
      fate: "kept",
    });
  }

  async #revoke(): Promise<void> {
    const kept = this.handed.filter(({ fate }) => fate === "kept");
    // Some stay, to be there in the end.
    if (kept.length < 5) return;
    const one = kept[Math.floor(Math.random() * kept.length)];
    if (one === undefined) return;
    one.fate = "asked";
    const sync = Math.random() < 0.5;
    const answer = await this.#write("sys/leases/revoke", { lease_id: one.lease, sync });
    if (answer !== undefined && answer.status < 300) one.fate = "revoked";
  }
}
