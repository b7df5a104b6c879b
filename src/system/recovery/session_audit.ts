/**
 * The audit file of one recovery session: a line of JSON before and after each thing that is asked.
 * Keys of entries are told, values never are, nor shares or the token. A request whose line can't be
 * written is refused.
 */
import type { Clock } from "../../base/clock.ts";
import { describeError, Failure } from "../../base/failure.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Request } from "../../logical/request.ts";

/** A file that is only added to. */
export interface AuditFile {
  readonly path: string;
  /** Resolves when the text is on disk. */
  append(text: string): Promise<void>;
  close(): void;
}

/** Of a request's fields these say nothing that is secret. */
const shownFields = ["encoding", "compressed", "decoded", "force", "reset", "list"] as const;

/** Requests without the token that are told one by one: nobody is to fill the disk with them. */
const STRANGERS_MAX = 1000;

export class SessionAudit {
  #strangers = 0;

  constructor(readonly file: AuditFile, readonly clock: Clock) {}

  get path(): string {
    return this.file.path;
  }

  /** Runs what a request asks for between its two lines. `isTrusted` where it has the token. */
  async around<T>(request: Request, run: () => Promise<T>, isTrusted: boolean): Promise<T> {
    if (!isTrusted) this.#strangers += 1;
    if (!isTrusted && this.#strangers > STRANGERS_MAX) return await run();
    const told = described(request);
    await this.#write({ type: "request", ...told });
    let answer: T;
    try {
      answer = await run();
    } catch (error) {
      const status = error instanceof Failure ? error.status : 500;
      await this.#write({ type: "response", ...told, status, error: describeError(error) });
      throw error;
    }
    await this.#write({ type: "response", ...told, status: 200 });
    return answer;
  }

  /** Something that nobody asked for just now: the beginning, the end. */
  note(event: string, more: JsonObject = {}): Promise<void> {
    return this.#write({ type: "session", event, ...more });
  }

  /** Tells how many were not told one by one. */
  end(): Promise<void> {
    const untold = Math.max(0, this.#strangers - STRANGERS_MAX);
    return this.note("end", untold === 0 ? {} : { untold_requests_without_token: untold });
  }

  async #write(line: JsonObject): Promise<void> {
    try {
      await this.file.append(`${JSON.stringify({ time: rfc3339(this.clock.now()), ...line })}\n`);
    } catch (cause) {
      throw new Failure(
        500,
        `the audit file ${this.path} can't be written: ${describeError(cause)}`,
        { cause },
      );
    }
  }
}

function described({ id, operation, path, data, connection }: Request): JsonObject {
  const shown: JsonObject = {};
  for (const name of shownFields) if (data[name] !== undefined) shown[name] = data[name];
  const value = data.value;
  return {
    id,
    operation,
    path,
    ...shown,
    ...(typeof value === "string" ? { value_length: value.length } : {}),
    remote_address: connection.remoteAddress,
  };
}
