/**
 * Requests for many things at once: `batch_input` is a list of objects, `batch_results` answers each in
 * its place, and one that fails fails alone.
 */
import { badRequest, Failure } from "../../base/failure.ts";
import { eventLoopTurn } from "../../base/turn.ts";
import { type Field, readField } from "../../backend/field.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";

/** The items of a batch; a 400 for one that is none or has none. */
export function readBatch<T>(input: JsonValue, read: (item: JsonObject) => T): T[] {
  if (!Array.isArray(input)) throw badRequest("failed to parse batch input: expected a list");
  if (input.length === 0) throw badRequest("missing batch input to process");
  return input.map((item) => {
    if (item === null) return read({});
    if (isJsonObject(item)) return read(item);
    throw badRequest("failed to parse batch input: expected a list of objects");
  });
}

/** A field of an item, read as the same field of a request is; null is nothing. */
export function itemField<T>(item: JsonObject, name: string, declared: Field<T>): T {
  return readField(name, declared, item[name] ?? undefined);
}

/** Whether a request is one for many: null is nothing here too. */
export function isBatch(input: JsonValue | undefined): input is Exclude<JsonValue, null> {
  return input !== undefined && input !== null;
}

/** What one item came to. */
export interface Outcome {
  readonly body: JsonObject;
  readonly failed: boolean;
}

/** Items that are answered before others get their turn: about a millisecond of signatures. */
const itemsATurn = 16;

/** Answers all items, one after the other. `failure` is what a failed one's answer holds beside. */
export async function runBatch<T extends { readonly reference: string }>(
  items: readonly T[],
  failure: JsonObject,
  answer: (item: T) => Promise<JsonObject>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [i, item] of items.entries()) {
    if (i > 0 && i % itemsATurn === 0) await eventLoopTurn();
    const { reference } = item;
    try {
      outcomes.push({ body: { ...await answer(item), reference }, failed: false });
    } catch (error) {
      if (!(error instanceof Failure) || error.status >= 500) throw error;
      const body = { ...failure, error: error.errors.join("; "), reference };
      outcomes.push({ body, failed: true });
    }
  }
  return outcomes;
}

/** 400 where one failed, or what the client asked for where another did not. */
export function batchResponse(
  outcomes: readonly Outcome[],
  partialFailureStatus: number | undefined,
): LogicalResponse {
  const data = batchData(outcomes);
  const failed = outcomes.filter((outcome) => outcome.failed).length;
  if (failed === 0) return { data };
  if (failed === outcomes.length || partialFailureStatus === undefined) {
    return { status: 400, data };
  }
  if (partialFailureStatus >= 200 && partialFailureStatus <= 599) {
    return { status: partialFailureStatus, data };
  }
  const warning = "partial_failure_response_code is no status of an answer; 400 is used";
  return { status: 400, data, warnings: [warning] };
}

/** The results alone: who asks looks at each. */
export function batchData(outcomes: readonly Outcome[]): JsonObject {
  return { batch_results: outcomes.map(({ body }) => body) };
}
