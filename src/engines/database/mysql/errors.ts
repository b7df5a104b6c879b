/** What MySQL's error numbers tell (https://mariadb.com/kb/en/mariadb-error-code-reference/). */

/** ER_ACCESS_DENIED_ERROR: a wrong password. Nothing else is worth another try with another one. */
const accessDenied = 1045;
/** ER_CANNOT_USER: the user of CREATE, ALTER or DROP USER is there already, or is not. */
const cannotUser = 1396;
/** ER_NO_SUCH_THREAD: the session has ended by itself. */
const noSuchThread = 1094;
/** ER_TABLEACCESS_DENIED, ER_COLUMNACCESS_DENIED, ER_KILL_DENIED, ER_SPECIFIC_ACCESS_DENIED. */
const notAllowed: readonly number[] = [1142, 1143, 1095, 1227];

function numberOf(error: unknown): number {
  return error instanceof Error && "errno" in error && typeof error.errno === "number"
    ? error.errno
    : 0;
}

export function isWrongPassword(error: unknown): boolean {
  return numberOf(error) === accessDenied;
}

export function isUserGone(error: unknown): boolean {
  return numberOf(error) === cannotUser;
}

export function isSessionGone(error: unknown): boolean {
  return numberOf(error) === noSuchThread;
}

export function isNotAllowed(error: unknown): boolean {
  return notAllowed.includes(numberOf(error));
}

/** An error that the server itself has sent: it has not carried out that statement. */
export function isAnswered(error: unknown): boolean {
  return error instanceof Error && "sqlState" in error && typeof error.sqlState === "string";
}

/** The server can't encrypt. */
export function lacksTls(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "HANDSHAKE_NO_SSL_SUPPORT";
}
