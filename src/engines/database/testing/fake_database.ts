/** A database without a server, for tests of what the engine does when one misbehaves. */
import { type Database, DatabaseFailure } from "../plugin.ts";

/** A database in memory, whose next calls go wrong as told. */
export class FakeDatabase implements Database {
  constructor(readonly users = new Set<string>()) {}

  /** As last set by a rotation, by user. */
  readonly passwords = new Map<string, string>();
  rotations = 0;
  opened = 0;
  reachable = true;
  /** Run before a creation begins. */
  before: () => Promise<void> = () => Promise.resolve();
  /** Run in the middle of a creation. */
  during: () => Promise<void> = () => Promise.resolve();
  failure: DatabaseFailure | undefined;
  /** Comes after a rotation that was carried out. */
  after: DatabaseFailure | undefined;
  dropFails = false;
  /** What a rotation runs first. */
  beforeRotation: (username: string) => Promise<void> = () => Promise.resolve();
  /** What a drop runs first. */
  beforeDrop: (username: string) => Promise<void> = () => Promise.resolve();

  async run(
    purpose: string,
    _statements: readonly string[],
    values: Readonly<Record<string, string>>,
    mayBegin: () => void = () => {},
  ) {
    if (purpose === "rotate") return this.#rotate(values.name ?? "", values.password ?? "");
    await this.before();
    mayBegin();
    await this.during();
    if (this.failure?.unchanged !== true && values.name !== undefined) this.users.add(values.name);
    if (this.failure !== undefined) throw this.failure;
  }

  async #rotate(name: string, password: string): Promise<void> {
    await this.beforeRotation(name);
    this.rotations++;
    if (this.failure !== undefined) throw this.failure;
    this.passwords.set(name, password);
    if (this.after !== undefined) throw this.after;
  }

  async drop(username: string): Promise<void> {
    if (this.dropFails) throw new DatabaseFailure("no answer", true, true);
    await this.beforeDrop(username);
    this.users.delete(username);
  }

  has(username: string): Promise<boolean> {
    return Promise.resolve(this.users.has(username));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
