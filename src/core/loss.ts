/** What becomes of a request that met the end of this node's leadership. */
import { Failure } from "../base/failure.ts";
import { NotLeaderError, OutcomeUnknownError } from "../storage/storage.ts";
import { NotAnswered } from "./not_answered.ts";

export function isLoss(error: unknown): boolean {
  return error instanceof NotLeaderError || error instanceof OutcomeUnknownError;
}

/** Of a request that has changed something already: nobody is to do it again from the beginning. */
export function explainBegun(error: unknown): unknown {
  if (!(error instanceof NotLeaderError)) return error;
  const message = "leadership was lost in the middle of the request";
  return new OutcomeUnknownError(message, { cause: error });
}

/**
 * What its client is told; where nothing was changed, whoever is active now may answer. What a request
 * of services that were closed because leadership was gone met besides, fails in ways of its own.
 */
export function explainLoss(error: unknown, isClosed: boolean): unknown {
  if (error instanceof NotLeaderError) {
    return new NotAnswered("this node is not active any more; nothing was changed", {
      cause: error,
    });
  }
  const isKnown = error instanceof Failure || error instanceof NotAnswered;
  const isUnknown = error instanceof OutcomeUnknownError || (isClosed && !isKnown);
  return isUnknown ? outcomeUnknown(error) : error;
}

function outcomeUnknown(cause: unknown): Failure {
  const message = "this node lost its leadership; whether this was done is unknown";
  return new Failure(500, message, { cause });
}
