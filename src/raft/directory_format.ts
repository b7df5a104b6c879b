/**
 * `raft/format`: of which format a data directory is, and which version of the program used it
 * last. A later version can't be read by its records alone; this small file stays readable for ever.
 */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { version as program } from "../base/version.ts";
import { denoDisk } from "./deno_disk.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { DIRECTORY_FORMAT, unknownFormat } from "./formats.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";

const NAME = "format";
const LABEL = "directory format";

interface DirectoryFormat {
  readonly format: number;
  /** The program's version. */
  readonly writtenBy: string;
}

/**
 * What the directory says; format 1 where it was used before there was such a file. Throws
 * `CorruptionError` where the file is damaged, `UnknownFormatError` where the format is newer than
 * this build: then no other file must be touched.
 */
export async function checkDirectoryFormat(
  directory: string,
  disk: Disk = denoDisk,
): Promise<DirectoryFormat> {
  const path = `${directory}/raft/${NAME}`;
  const content = await disk.read(path);
  if (content === undefined) return { format: 1, writtenBy: "" };
  const body = openRecord(LABEL, content);
  const parsed: unknown = body === undefined ? undefined : JSON.parse(fromUtf8(body));
  const [format, writtenBy]: unknown[] = Array.isArray(parsed) ? parsed : [];
  if (typeof format !== "number" || typeof writtenBy !== "string") {
    throw new CorruptionError(
      `${path} is damaged; where no newer version has run here it may be removed`,
    );
  }
  if (format > DIRECTORY_FORMAT) {
    throw unknownFormat(`the data directory ${directory}`, format, DIRECTORY_FORMAT, writtenBy);
  }
  return { format, writtenBy };
}

/** Notes that this version uses the directory from now on. */
export async function noteDirectoryFormat(directory: string, known: DirectoryFormat, disk: Disk) {
  if (known.format === DIRECTORY_FORMAT && known.writtenBy === program) return;
  await writeDirectoryFormat(directory, { format: DIRECTORY_FORMAT, writtenBy: program }, disk);
}

/** Durable when it returns. */
export async function writeDirectoryFormat(
  directory: string,
  { format, writtenBy }: DirectoryFormat,
  disk: Disk = denoDisk,
): Promise<void> {
  const record = sealRecord(LABEL, utf8(JSON.stringify([format, writtenBy])));
  await disk.replace(`${directory}/raft`, NAME, record);
}
