/** A standby's side of forwarding: requests go over one connection to the active node. */
import type { Bytes } from "../base/bytes.ts";
import { concat, toBase64 } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import type { Connection } from "../logical/request.ts";
import type { Frame, FrameSocket } from "../raft/net/frame_socket.ts";
import {
  type Echo,
  ForwardKind,
  json,
  numbered,
  PIECE_BYTES,
  readAnswerHead,
  restOf,
  streamOf,
} from "./forward_frames.ts";

/** A request as it came, its body read. */
export interface ForwardedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  readonly body: Bytes;
  readonly connection: Connection;
}

/** Nothing was done: the request may be sent again, to whoever is active by then. */
export class NotForwarded extends Error {
  override name = "NotForwarded";
}

interface Waiting {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
  body: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** An answer that is passed on once all of it is there. */
  whole: { readonly init: ResponseInit; readonly parts: Bytes[]; missing: number } | undefined;
}

/** Longer answers are passed on as they come. A stream costs as much as the rest of a short one. */
const WHOLE_BYTES_MAX = 256 * 1024;

/** They speak of one connection only. */
const hopHeaders = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "te"]);

export class ForwardClient {
  readonly #connection: FrameSocket;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(connection: FrameSocket) {
    this.#connection = connection;
    connection.gathers = true;
    connection.onFrame((frame) => this.#take(frame));
    connection.closed.then(() => this.#lost());
  }

  get isClosed(): boolean {
    return this.#connection.isClosed;
  }

  close(): void {
    this.#connection.close();
  }

  echo(echo: Echo): void {
    this.#connection.send(ForwardKind.echo, json(echo));
  }

  /**
   * Resolves with the active node's answer. Throws `NotForwarded` where nothing was done, a 502
   * `Failure` where nobody knows: then it is not sent again.
   */
  async forward(request: ForwardedRequest): Promise<Response> {
    if (this.isClosed) throw new NotForwarded("the connection is closed");
    const stream = this.#next++;
    const { method, target, connection, body } = request;
    const head = json({
      method,
      target,
      headers: [...request.headers].filter(([name]) => !hopHeaders.has(name)),
      remoteAddress: connection.remoteAddress,
      remotePort: connection.remotePort,
      certificates: (connection.peerCertificates ?? []).map((der) => toBase64(der)),
    });
    const answered = new Promise<Response>((resolve, reject) => {
      this.#waiting.set(stream, { resolve, reject, body: undefined, whole: undefined });
    });
    // It may be rejected while the body is still being sent.
    answered.catch(() => undefined);
    this.#connection.send(ForwardKind.request, numbered(stream), head);
    for (let at = 0; at < body.length; at += PIECE_BYTES) {
      const piece = body.subarray(at, at + PIECE_BYTES);
      this.#connection.send(ForwardKind.body, numbered(stream), piece);
      if (body.length > PIECE_BYTES) await this.#connection.drained();
    }
    this.#connection.send(ForwardKind.bodyEnd, numbered(stream));
    return await answered;
  }

  #take({ kind, payload }: Frame): void {
    if (payload.length < 4) return this.#connection.close();
    const stream = streamOf(payload);
    const waiting = this.#waiting.get(stream);
    if (waiting === undefined) return;
    switch (kind) {
      case ForwardKind.answer:
        return this.#answer(stream, waiting, restOf(payload));
      case ForwardKind.answerBody:
        return this.#takeBody(waiting, restOf(payload));
      case ForwardKind.answerEnd:
        return this.#end(stream, waiting);
      case ForwardKind.notActive:
        this.#waiting.delete(stream);
        return waiting.reject(new NotForwarded("that node is not active"));
    }
  }

  #answer(stream: number, waiting: Waiting, bytes: Bytes): void {
    const { status, headers, hasBody, bodyBytes = Infinity } = readAnswerHead(bytes);
    const init = {
      status,
      headers: new Headers(headers.map(([k, v]): [string, string] => [k, v])),
    };
    if (!hasBody) {
      this.#waiting.delete(stream);
      return waiting.resolve(new Response(null, init));
    }
    if (bodyBytes <= WHOLE_BYTES_MAX) {
      waiting.whole = { init, parts: [], missing: bodyBytes };
      return;
    }
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        waiting.body = controller;
      },
      cancel: () => {
        this.#waiting.delete(stream);
        this.#connection.send(ForwardKind.cancel, numbered(stream));
      },
    });
    waiting.resolve(new Response(body, init));
  }

  #takeBody({ body, whole }: Waiting, bytes: Bytes): void {
    if (whole === undefined) return body?.enqueue(bytes);
    whole.missing -= bytes.length;
    if (whole.missing < 0) return this.#connection.close();
    whole.parts.push(bytes);
  }

  #end(stream: number, { body, whole, resolve }: Waiting): void {
    if (whole !== undefined && whole.missing > 0) return this.#connection.close();
    this.#waiting.delete(stream);
    if (whole === undefined) return body?.close();
    const [first = new Uint8Array(0)] = whole.parts;
    resolve(new Response(whole.parts.length > 1 ? concat(...whole.parts) : first, whole.init));
  }

  #lost(): void {
    const error = new Failure(502, "the active node was lost; whether it did this is unknown");
    for (const { reject, body } of this.#waiting.values()) {
      reject(error);
      body?.error(error);
    }
    this.#waiting.clear();
  }
}
