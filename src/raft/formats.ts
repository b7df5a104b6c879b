/**
 * The versions of what this build writes and reads, and how it says that it does not know one. In
 * every record the version comes first and is covered by the checksum, so that one is only
 * believed where the record is whole; a record that is not is damaged, whatever its version says.
 */
import { version as program } from "../base/version.ts";
import { StorageError } from "./errors.ts";

/** Of the data directory as a whole; raised whenever anything in it is written in a new form. */
export const DIRECTORY_FORMAT = 1;

/** Of what nodes say to each other: what this build speaks, from the oldest to the newest. */
export const PROTOCOL: ProtocolRange = { oldest: 1, newest: 1 };

export interface ProtocolRange {
  readonly oldest: number;
  readonly newest: number;
}

/** Bytes of a form that a later version made up. Nothing is damaged, and nothing was changed. */
export class UnknownFormatError extends StorageError {
  override name = "UnknownFormatError";
}

/** `what` names the thing; `by` the program version that wrote it, "" where nobody knows. */
export function unknownFormat(
  what: string,
  found: number,
  known: number,
  by = "",
): UnknownFormatError {
  const writer = by === "" ? "a newer version" : `version ${by}`;
  const remedy = by === "" ? "the version that wrote it" : `version ${by}`;
  return new UnknownFormatError(
    `${what} has format ${found}, written by ${writer} of Holdfast; this one, ${program}, knows ` +
      `formats up to ${known}: run ${remedy} or a newer one here; nothing was changed`,
  );
}

/** Throws where a record that is whole has a newer version than `known`. */
export function refuseNewer(what: string, found: unknown, known: number): void {
  if (typeof found === "number" && found > known) throw unknownFormat(what, found, known);
}
