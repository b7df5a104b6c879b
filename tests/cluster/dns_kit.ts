/** A DNS server of few words (RFC 1035, 2782): one SRV record, and 127.0.0.1 for any name. */

export interface DnsServer extends Disposable {
  readonly port: number;
  srv: { port: number; target: string };
}

const TYPE_A = 1, TYPE_SRV = 33;

export function serveDns(): DnsServer {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const server = {
    port: socket.addr.transport === "udp" ? socket.addr.port : 0,
    srv: { port: 1, target: "localhost" },
    [Symbol.dispose]: () => socket.close(),
  };
  void (async () => {
    for await (const [query, from] of socket) {
      await socket.send(answer(query, server.srv), from).catch(() => 0);
    }
  })();
  return server;
}

function answer(query: Uint8Array, srv: DnsServer["srv"]): Uint8Array {
  let end = 12;
  while ((query[end] ?? 0) !== 0) end += (query[end] ?? 0) + 1;
  const type = ((query[end + 1] ?? 0) << 8) | (query[end + 2] ?? 0);
  const question = query.subarray(12, end + 5);
  const data = type === TYPE_A
    ? [127, 0, 0, 1]
    : type === TYPE_SRV
    ? [0, 0, 0, 0, srv.port >> 8, srv.port & 255, ...labels(srv.target)]
    : undefined;
  const count = data === undefined ? 0 : 1;
  // The query's id; a recursive answer without an error; one question.
  const head = [query[0] ?? 0, query[1] ?? 0, 0x85, 0x80, 0, 1, 0, count, 0, 0, 0, 0];
  // The name by a pointer to the question, no time to live.
  const record = data === undefined
    ? []
    : [0xc0, 12, type >> 8, type & 255, 0, 1, 0, 0, 0, 0, 0, data.length, ...data];
  return new Uint8Array([...head, ...question, ...record]);
}

function labels(name: string): number[] {
  const encoded = name.split(".").flatMap((label) => [
    label.length,
    ...new TextEncoder().encode(label),
  ]);
  return [...encoded, 0];
}
