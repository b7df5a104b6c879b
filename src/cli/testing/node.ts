/** A node of few words for tests: answers as told and remembers what it was asked. */
import { type Json, parseJson } from "../json.ts";

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: Json | undefined;
}

export interface Reply {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Replies by `METHOD /v1/path`, with or without the query. Others are 204. */
export type Replies = Readonly<Record<string, Reply | ((request: SeenRequest) => Reply)>>;

export interface TestNode extends AsyncDisposable {
  readonly address: string;
  readonly seen: SeenRequest[];
}

/** Listens on a free port of 127.0.0.1 until it is disposed of. */
export function testNode(replies: Replies): TestNode {
  const seen: SeenRequest[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const url = new URL(request.url);
      const one: SeenRequest = {
        method: request.method,
        path: url.pathname.replace(/^\/v1\//, "") + url.search,
        headers: request.headers,
        body: parseJson(await request.text()),
      };
      seen.push(one);
      const found = replies[`${one.method} ${one.path}`] ??
        replies[`${one.method} ${one.path.split("?")[0]}`];
      const reply = typeof found === "function" ? found(one) : found ?? { status: 204 };
      const status = reply.status ?? 200;
      const body = reply.body === undefined ? null : JSON.stringify(reply.body);
      return new Response(body, { status, headers: { ...reply.headers } });
    },
  );
  return {
    address: `http://127.0.0.1:${server.addr.port}`,
    seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
