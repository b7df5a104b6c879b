/** What a node must not forget beside its log: who it is, its term and its vote. */
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { HardState } from "./consensus/messages.ts";
import type { Disk } from "./disk.ts";
import { CorruptionError } from "./errors.ts";
import { refuseNewer } from "./formats.ts";
import { KvFile } from "./kv_file.ts";
import { openRecord, sealRecord } from "./sealed_record.ts";

const VERSION = 1;

export class NodeFile {
  private constructor(
    readonly file: KvFile,
    /** Undefined in a file that was just created. */
    readonly nodeId: string | undefined,
    readonly hardState: HardState,
  ) {}

  static async open(path: string, disk?: Disk): Promise<NodeFile> {
    const file = await KvFile.open(path, disk);
    try {
      const row = await file.get(["node"]);
      if (row === undefined) return new NodeFile(file, undefined, { term: 0, vote: "" });
      const body = openRecord("node", row);
      const parsed: unknown = body === undefined ? undefined : JSON.parse(fromUtf8(body));
      if (Array.isArray(parsed)) {
        const [version, id, term, vote]: unknown[] = parsed;
        refuseNewer(path, version, VERSION);
        if (
          version === VERSION && typeof id === "string" && typeof term === "number" &&
          typeof vote === "string"
        ) return new NodeFile(file, id, { term, vote });
      }
      throw new CorruptionError(`${path}: the record of term and vote is damaged`);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Durable when it returns. */
  async save(nodeId: string, { term, vote }: HardState): Promise<void> {
    const value = sealRecord("node", utf8(JSON.stringify([VERSION, nodeId, term, vote])));
    await this.file.commit([{ key: ["node"], value }]);
  }

  close(): void {
    this.file.close();
  }
}
