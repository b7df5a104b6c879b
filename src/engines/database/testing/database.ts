/** A real server of any kind, as the promises that hold for all of them need it. */
import type { JsonObject } from "../../../logical/json.ts";
import type { Server } from "./process.ts";

export interface TestDatabase {
  readonly server: Server;
  /** A connection's settings. */
  readonly config: JsonObject;
  /** Statements that make a user who may log in. */
  readonly creation: readonly string[];
  /** Statements that fail, if there can be after having made a user. */
  readonly broken: readonly string[];
  /** Whether the superuser's own password works. */
  superLogin(): Promise<boolean>;
  /** Whether a user may log in and do what it was made for. */
  login(user: string, password: string): Promise<boolean>;
  /** Logs in and stays; resolves when the session has been ended, or with true after a while. */
  session(user: string, password: string): Promise<boolean>;
  /** How many sessions a user has. */
  sessions(user: string): Promise<number>;
  /** How many users there are of a name. */
  users(name: string): Promise<number>;
  addUser(name: string, password: string): Promise<void>;
}
