/** The active node's side of forwarding: takes requests that standbys pass on, and answers. */
import { type Bytes, concat, fromBase64 } from "../base/bytes.ts";
import { exactRequest } from "../base/exact_request.ts";
import { describeError } from "../base/failure.ts";
import type { Logger } from "../base/log.ts";
import type { Connection } from "../logical/request.ts";
import type { Frame, FrameSocket } from "../raft/net/frame_socket.ts";
import {
  type Echo,
  ForwardKind,
  json,
  numbered,
  PIECE_BYTES,
  readEcho,
  readRequestHead,
  type RequestHead,
  restOf,
  streamOf,
} from "./forward_frames.ts";

export interface ForwardTarget {
  /** Whether requests are taken; what comes while they are not is handed back untouched. */
  readonly isActive: boolean;
  /** Undefined where nothing was done: the request is handed back as well. */
  handle(request: Request, connection: Connection): Promise<Response | undefined>;
  heard(echo: Echo): void;
}

/** Bytes of a body; what a listener takes was limited there already. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const REQUESTS_MAX = 4096;

interface Incoming {
  readonly head: RequestHead;
  readonly parts: Bytes[];
  bytes: number;
}

/** Answers what comes over a connection until it ends. */
export function acceptForwarded(
  connection: FrameSocket,
  target: ForwardTarget,
  log: Logger,
): void {
  const incoming = new Map<number, Incoming>();
  const cancelled = new Set<number>();
  connection.gathers = true;
  connection.onFrame((frame) => {
    try {
      take(frame);
    } catch (error) {
      log.warn("a standby is not understood", { error: describeError(error) });
      connection.close();
    }
  });

  function take({ kind, payload }: Frame): void {
    if (kind === ForwardKind.echo) return target.heard(readEcho(payload));
    const stream = streamOf(payload);
    if (kind === ForwardKind.request) {
      if (!target.isActive || incoming.size >= REQUESTS_MAX) {
        return connection.send(ForwardKind.notActive, numbered(stream));
      }
      incoming.set(stream, { head: readRequestHead(restOf(payload)), parts: [], bytes: 0 });
      return;
    }
    if (kind === ForwardKind.cancel) {
      cancelled.add(stream);
      return;
    }
    const request = incoming.get(stream);
    if (request === undefined) return;
    if (kind === ForwardKind.body) {
      request.bytes += payload.length;
      if (request.bytes > BODY_BYTES_MAX) return connection.close();
      request.parts.push(restOf(payload));
    } else if (kind === ForwardKind.bodyEnd) {
      incoming.delete(stream);
      answer(stream, request).catch((error) => {
        log.error("a forwarded request failed", { error: describeError(error) });
        connection.close();
      });
    }
  }

  async function answer(stream: number, { head, parts }: Incoming): Promise<void> {
    const response = await target.handle(requestOf(head, concat(...parts)), {
      remoteAddress: head.remoteAddress,
      remotePort: head.remotePort,
      ...(head.certificates.length === 0 ? {} : {
        peerCertificates: head.certificates.map((der) => fromBase64(der) ?? new Uint8Array()),
      }),
    });
    if (response === undefined) return connection.send(ForwardKind.notActive, numbered(stream));
    const { status } = response;
    const headers = [...response.headers];
    // What is JSON was made as a whole; anything else may still come, for as long as it likes.
    if (response.headers.get("content-type") === "application/json") {
      const body = new Uint8Array(await response.arrayBuffer());
      const hasBody = body.length > 0;
      const head = json({ status, headers, hasBody, bodyBytes: body.length });
      connection.send(ForwardKind.answer, numbered(stream), head);
      if (!hasBody) return;
      sendPieces(stream, body);
      if (connection.backlog > 0) await connection.drained();
      return connection.send(ForwardKind.answerEnd, numbered(stream));
    }
    const { body } = response;
    const hasBody = body !== null;
    connection.send(ForwardKind.answer, numbered(stream), json({ status, headers, hasBody }));
    if (!hasBody) return;
    for await (const chunk of body) {
      if (cancelled.delete(stream) || connection.isClosed) return;
      sendPieces(stream, chunk);
      if (connection.backlog > 0) await connection.drained();
    }
    connection.send(ForwardKind.answerEnd, numbered(stream));
  }

  function sendPieces(stream: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      connection.send(ForwardKind.answerBody, numbered(stream), piece);
    }
  }
}

function requestOf({ method, target, headers }: RequestHead, body: Bytes): Request {
  const pairs = headers.map(([name, value]): [string, string] => [name, value]);
  return exactRequest(`http://active${target}`, method, pairs, body);
}
