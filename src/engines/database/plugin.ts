/** What the engine asks of a kind of database. One module a kind; the engine knows no SQL. */

/** What `{{name}}`, `{{password}}` … stand for in a statement. */
export type StatementValues = Readonly<Record<string, string>>;

/** How to reach a database, secrets included. Kept in memory only while a connection is opened. */
export interface OpenSettings {
  /** What the operator wrote, by the API's names; without secrets. */
  readonly details: Readonly<Record<string, string>>;
  readonly username: string;
  /** The password, then others that a broken-off rotation may have left in force. */
  readonly passwords: readonly string[];
  /** `private_key`, or `tls_certificate_key` with the certificate in it; "" for none. */
  readonly privateKey: string;
}

/** What statements are run for. */
export type Purpose = "create" | "rollback" | "renew" | "rotate" | "revoke";

/** What must not overtake one another for one user, were it asked for by nodes that are gone. */
export function isExclusive(purpose: Purpose): boolean {
  return purpose === "create" || purpose === "rollback" || purpose === "revoke";
}

/**
 * A connection's open pool. All methods throw `DatabaseFailure`. To drop a user, or to run statements
 * that take one away, is refused while the server still works on making it, for whomever.
 */
export interface Database {
  /**
   * Runs statements in one transaction, as far as the kind of database has those. `mayBegin` is called
   * when nobody else can take the user away until they are done, or as late as can be, and before the
   * first: what it throws ends it, with nothing done.
   */
  run(
    purpose: Purpose,
    statements: readonly string[],
    values: StatementValues,
    mayBegin?: () => void,
  ): Promise<void>;
  /** Takes a user and what it was granted away; content with one that is not there. */
  drop(username: string): Promise<void>;
  /** Whether there is a user of the name; true where that can't be told. */
  has(username: string): Promise<boolean>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface DatabasePlugin {
  readonly name: string;
  /** These are used where a role or connection has none of its own; [] where it must have. */
  readonly creationStatements: readonly string[];
  readonly renewStatements: readonly string[];
  readonly rotateStatements: readonly string[];
  readonly usernameTemplate: string;
  /** Whether users may change their own passwords, so that a connection needs no account of its own. */
  readonly selfManaged?: true;
  /** The form of `{{expiration}}`. */
  formatExpiration(time: number): string;
  /** Throws a 400 for settings that can't be right. */
  check(settings: OpenSettings): void;
  /** Throws a 400 where a new password would have no effect on how we log in. */
  checkRotation(settings: OpenSettings): void;
  /** Connects once, to be sure. Throws `DatabaseFailure`. */
  open(settings: OpenSettings): Promise<Database>;
}

/** The server is busy with the user for another session, maybe one of a node that was killed. */
export function stillBusy(): DatabaseFailure {
  return new DatabaseFailure("the server is still busy with this user", true);
}

/** What went wrong at a database, in words without secrets. */
export class DatabaseFailure extends Error {
  constructor(
    message: string,
    /** True where the database has certainly changed nothing. */
    readonly unchanged: boolean,
    /** True where nobody answers, or lets us in: nothing else would fare better just now. */
    readonly unavailable = false,
  ) {
    super(message);
    this.name = "DatabaseFailure";
  }
}
