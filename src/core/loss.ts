/** What becomes of a request that met the end of this node's leadership. */
import { Failure } from "../base/failure.ts";
import { NotLeaderError, OutcomeUnknownError } from "../storage/storage.ts";
import { NotAnswered } from "./not_answered.ts";

export function isLoss(error: unknown): boolean {
  return error instanceof NotLeaderError || error instanceof OutcomeUnknownError;
}

/** What its client is told; where nothing was changed, whoever is active now may answer. */
export function explainLoss(error: unknown): unknown {
  if (error instanceof NotLeaderError) {
    return new NotAnswered("this node is not active any more; nothing was changed", {
      cause: error,
    });
  }
  if (error instanceof OutcomeUnknownError) {
    return new Failure(500, "this node lost its leadership; whether this was done is unknown", {
      cause: error,
    });
  }
  return error;
}
