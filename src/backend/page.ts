/** Long lists come in pages, where the caller asks for them. */
import type { ListOptions } from "../storage/storage.ts";
import { field } from "./field.ts";

export const pageFields = {
  after: field.string("Only what comes after this one.", ""),
  limit: field.int("At most so many; 0 for all.", 0),
};

export interface Page {
  /** "" for the first page. */
  readonly after?: string | undefined;
  /** 0 for all. */
  readonly limit: number;
}

/** A page as the storage lists it. */
export function pageOptions({ after = "", limit }: Page): ListOptions {
  return { ...(after === "" ? {} : { after }), ...(limit > 0 ? { limit } : {}) };
}
