/**
 * Entries as files, in the layout of Vault's `file` storage (by its documentation; the peer has
 * none any more): the parts of a key but the last are folders, the last is a file whose name has a
 * `_` in front, with `{"Value": base64}` in it.
 *
 * For moving only: several files can't be changed in one atomic step, which is what `Storage`
 * promises and a server needs.
 */
import { dirname } from "node:path";
import { type Bytes, fromBase64, fromUtf8, toBase64, utf8 } from "../base/bytes.ts";
import { removeIfThere } from "../base/files.ts";
import { lockDirectory } from "../raft/dir_lock.ts";
import { readIfThere, replaceFile, syncDirectory } from "../raft/durable_file.ts";
import { compareKeys } from "../raft/key_order.ts";
import { CorruptionError, InvalidKeyError } from "./storage.ts";

export class FileStore {
  #release: (() => void) | undefined;
  /** Names files that are being written. */
  #written = 0;
  /** Folders whose names are durable. */
  readonly #made = new Set<string>();

  private constructor(readonly path: string) {}

  /** One that is only read; nobody is kept from it. Throws `Deno.errors.NotFound`. */
  static async read(path: string): Promise<FileStore> {
    await Deno.stat(path);
    return new FileStore(path);
  }

  /** Makes the folder where it is not there. Throws `StorageLockedError` where another has it. */
  static async open(path: string): Promise<FileStore> {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const store = new FileStore(path);
    const lock = await lockDirectory(path);
    store.#release = () => lock.release();
    await store.#removeUnfinished();
    return store;
  }

  /** All keys, in the order of their UTF-8 bytes. */
  async *keys(folder = ""): AsyncGenerator<string> {
    const names: string[] = [];
    for await (const { name, isDirectory, isFile } of Deno.readDir(`${this.path}/${folder}`)) {
      if (isDirectory && !(folder === "" && name === unfinished)) names.push(`${name}/`);
      else if (isFile && name.startsWith("_")) names.push(name.slice(1));
    }
    for (const name of names.sort(compareKeys)) {
      if (name.endsWith("/")) yield* this.keys(folder + name);
      else yield folder + name;
    }
  }

  /** Throws `CorruptionError` naming the file where it is damaged. */
  async get(key: string): Promise<Bytes | undefined> {
    const { folder, name } = this.#place(key);
    const content = await readIfThere(`${folder}/${name}`);
    return content === undefined ? undefined : valueIn(content, `${folder}/${name}`);
  }

  /** Durable when it resolves. */
  async put(key: string, value: Bytes): Promise<void> {
    const { folder, name } = this.#place(key);
    await this.#makeFolder(folder);
    const content = utf8(`${JSON.stringify({ Value: toBase64(value) })}\n`);
    // Beside an entry any name may be another entry's.
    const beside = `${this.path}/${unfinished}`;
    await Deno.mkdir(beside, { recursive: true, mode: 0o700 });
    await replaceFile(folder, name, content, `${beside}/${this.#written++}`);
  }

  async delete(key: string): Promise<void> {
    const { folder, name } = this.#place(key);
    try {
      await Deno.remove(`${folder}/${name}`);
      await syncDirectory(folder);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Lets go of the folder, in which no file of ours stays that is no entry. */
  async close(): Promise<void> {
    if (this.#release === undefined) return;
    await this.#removeUnfinished();
    await Deno.remove(`${this.path}/LOCK`);
    this.#release();
    this.#release = undefined;
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#made.has(folder)) return;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    for (let at = folder; at !== this.path; at = dirname(at)) await syncDirectory(dirname(at));
    this.#made.add(folder);
  }

  async #removeUnfinished(): Promise<void> {
    await removeIfThere(`${this.path}/${unfinished}`, { recursive: true });
  }

  #place(key: string): { folder: string; name: string } {
    const parts = key.split("/");
    const name = parts.pop() ?? "";
    const isOdd = (part: string) => part === "" || part === "." || part === "..";
    if (name === "" || parts.some(isOdd) || key.includes("\0")) {
      throw new InvalidKeyError(`the key ${JSON.stringify(key)} can't be the name of a file`);
    }
    return { folder: [this.path, ...parts].join("/"), name: `_${name}` };
  }
}

/** Where files are that are being written. No key begins so. */
const unfinished = ".unfinished";

function valueIn(content: Uint8Array, file: string): Bytes {
  let parsed: unknown;
  try {
    parsed = JSON.parse(fromUtf8(content));
  } catch (cause) {
    throw new CorruptionError(`${file} is damaged: it is no JSON`, { cause });
  }
  const text: unknown = parsed instanceof Object ? Reflect.get(parsed, "Value") : undefined;
  const value = typeof text === "string" ? fromBase64(text) : undefined;
  if (value === undefined) throw new CorruptionError(`${file} is damaged: it holds no value`);
  return value;
}
