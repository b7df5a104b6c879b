/** What a request or an item of a batch says for encryption and decryption. */
import type { Bytes } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import type { JsonObject, JsonValue } from "../../logical/json.ts";
import { readBase64 } from "./base64.ts";
import { itemField, readBatch } from "./batch.ts";
import type { CipherOptions } from "./cipher.ts";

export interface CipherItem {
  readonly plaintext: string | undefined;
  readonly ciphertext: string | undefined;
  readonly context: string;
  readonly nonce: string;
  readonly associated_data: string;
  readonly key_version: number;
  readonly reference: string;
}

export const cipherFields = {
  context: field.string("In base64: whose key it is, of keys that are derived.", ""),
  nonce: field.string("In base64; for convergent keys of the first version only.", ""),
  associated_data: field.string("In base64: what is authenticated beside the text.", ""),
  key_version: field.int("The version to use; 0 for the newest.", 0),
  reference: field.string("Given back with the item's result.", ""),
  plaintext: field.string("In base64."),
  ciphertext: field.string("As encryption gave it."),
};

export const batchFields = {
  batch_input: field.any("A list of objects with such fields: many at once."),
  partial_failure_response_code: field.int(
    "The status of the answer where some items fail and some do not: 200 to 599, else 400.",
  ),
};

/** The items of a batch. */
export function cipherItems(input: JsonValue): CipherItem[] {
  return readBatch(input, readItem);
}

function readItem(item: JsonObject): CipherItem {
  return {
    plaintext: itemField(item, "plaintext", cipherFields.plaintext),
    ciphertext: itemField(item, "ciphertext", cipherFields.ciphertext),
    context: itemField(item, "context", cipherFields.context),
    nonce: itemField(item, "nonce", cipherFields.nonce),
    associated_data: itemField(item, "associated_data", cipherFields.associated_data),
    key_version: itemField(item, "key_version", cipherFields.key_version),
    reference: itemField(item, "reference", cipherFields.reference),
  };
}

const nothing: Bytes = new Uint8Array();

/** The decoded options of an item. */
export function cipherOptions(item: Omit<CipherItem, "plaintext" | "ciphertext">): CipherOptions {
  const { context, nonce, associated_data } = item;
  return {
    context: context === "" ? nothing : readBase64(context),
    nonce: nonce === "" ? nothing : readBase64(nonce),
    associatedData: associated_data === "" ? nothing : readBase64(associated_data),
  };
}

/** In a batch either all items have a context or none has. Says whether they have. */
export function haveContext(items: readonly CipherItem[]): boolean {
  const count = items.filter(({ context }) => context !== "").length;
  if (count === 0 || count === items.length) return count > 0;
  throw badRequest("context should be set either in all the request blocks or in none");
}
