/** A process that floods a node: every connection asks, reads the answer, and asks again. */
import { run } from "../e2e/program.ts";

export interface Flood {
  readonly port: number;
  readonly connections: number;
  readonly durationMs: number;
  /** One request, as it goes over the wire; `#` stands for the connection's number. */
  readonly request: string;
}

export interface FloodResult {
  /** How many answers there were of each status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Refusals (429, 503) that don't say when to come again. */
  readonly withoutTime: number;
  /** Numbers of the connections whose request was taken at least once. */
  readonly taken: readonly number[];
  /** Connections that ended before the flood did. */
  readonly broken: number;
}

async function flood({ port, connections, durationMs, request }: Flood): Promise<FloodResult> {
  let until = Infinity;
  const statuses: Record<string, number> = {};
  const taken = new Set<number>();
  let withoutTime = 0;
  let broken = 0;
  const note = (head: string, n: number) => {
    const status = head.slice(9, 12);
    statuses[status] = (statuses[status] ?? 0) + 1;
    if (status === "204" || status === "200") taken.add(n);
    if ((status === "503" || status === "429") && !/\r\nretry-after: [0-9]/i.test(head)) {
      withoutTime++;
    }
  };
  const lane = async (n: number, connection: Deno.Conn) => {
    const bytes = new TextEncoder().encode(request.replaceAll("#", String(n)));
    const buffer = new Uint8Array(4096);
    while (performance.now() < until) {
      await connection.write(bytes);
      const count = await connection.read(buffer);
      if (count === null) {
        broken++;
        return;
      }
      note(new TextDecoder().decode(buffer.subarray(0, count)), n);
    }
  };
  // All at once: what came one after the other would be done before there is a flood.
  const opened: Deno.Conn[] = [];
  for (let n = 0; n < connections; n += 100) {
    const batch = Array.from({ length: Math.min(100, connections - n) });
    opened.push(
      ...await Promise.all(batch.map(() => Deno.connect({ hostname: "127.0.0.1", port }))),
    );
  }
  until = performance.now() + durationMs;
  await Promise.all(opened.map((connection, n) => lane(n, connection)));
  for (const connection of opened) connection.close();
  return { statuses, withoutTime, taken: [...taken], broken };
}

/** Floods from a process of its own, so that the caller can tell how long others wait. */
export async function floodFromOutside(task: Flood): Promise<FloodResult> {
  const args = ["run", "--no-check", "--allow-net", import.meta.url, JSON.stringify(task)];
  const { code, stdout, text } = await run(Deno.execPath(), args);
  if (code !== 0) throw new Error(text);
  return JSON.parse(stdout);
}

if (import.meta.main) console.log(JSON.stringify(await flood(JSON.parse(Deno.args[0] ?? ""))));
