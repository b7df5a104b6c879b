/** Sends bytes and reads the statuses of what comes back. */
import type { RawRequest } from "./raw_request.ts";

/** Long enough for keys that are made on request, by several at once. */
const answerMaxMs = 20_000;
/** So long a connection with something missing stays open, and any that has got an answer. */
const partialMs = 30;

export interface Outcome {
  /** Of every answer on the connection. */
  readonly statuses: readonly number[];
  /** A whole request got no answer and the connection was not closed either. */
  readonly isHanging: boolean;
}

export async function send(port: number, { bytes, isPartial }: RawRequest): Promise<Outcome> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const chunks: string[] = [];
  let timedOut = false;
  const giveUp = () => {
    timedOut = true;
    connection.close();
  };
  let timer = setTimeout(giveUp, isPartial ? partialMs : answerMaxMs);
  try {
    await writeAll(connection, bytes);
    const decoder = new TextDecoder("latin1");
    const buffer = new Uint8Array(65536);
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) break;
      chunks.push(decoder.decode(buffer.subarray(0, count)));
      if (isPartial || chunks.length > 1) continue;
      clearTimeout(timer);
      timer = setTimeout(giveUp, partialMs);
    }
  } catch (error) {
    if (!closedByOther(error)) throw error;
  } finally {
    clearTimeout(timer);
    if (!timedOut) connection.close();
  }
  const text = chunks.join("");
  const statuses = [...text.matchAll(/HTTP\/1\.[01] (\d{3}) [A-Za-z ]*\r\n/g)].map(([, s]) =>
    Number(s)
  );
  return { statuses, isHanging: timedOut && !isPartial && statuses.length === 0 };
}

function closedByOther(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionAborted;
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += await connection.write(bytes.subarray(at));
}
