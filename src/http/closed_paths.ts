/** Calls that a listener does not offer, although the node does. */
import { unsupportedOperation } from "../base/failure.ts";
import type { RequestHandler } from "./app.ts";

/** Open to holders of key shares alone, without a token. */
const rekey = /^sys\/rekey(-recovery-key)?\/(init|update|verify)\/?$/;
const generateRoot = /^sys\/generate-root(-token)?\/(attempt|update)\/?$/;

export interface ClosedPaths {
  readonly rekey: boolean;
  readonly generateRoot: boolean;
}

/** A handler that answers 405 there; the same handler where nothing is closed. */
export function closePaths(handler: RequestHandler, closed: ClosedPaths): RequestHandler {
  if (!closed.rekey && !closed.generateRoot) return handler;
  const isClosed = (path: string) =>
    (closed.rekey && rekey.test(path)) || (closed.generateRoot && generateRoot.test(path));
  return {
    get cors() {
      return handler.cors;
    },
    // The path is decoded here, so that no encoding gets around it.
    handle: (request) =>
      isClosed(request.path) ? Promise.reject(unsupportedOperation()) : handler.handle(request),
  };
}
