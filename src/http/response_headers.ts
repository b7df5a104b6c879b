/** Headers that a listener's configuration adds to responses. */

/** Values by status (`default`, `2xx`, `307`) and header name. */
export type HeadersByStatus = Readonly<
  Record<string, Readonly<Record<string, readonly string[]>>>
>;

/** Adds its headers to a response in place. */
export type Decorator = (response: Response) => void;

/**
 * A decorator, or undefined where there is nothing to add. Of several entries for a header the one
 * with the most specific status wins. `always` are the headers of the whole node.
 */
export function headerDecorator(
  byStatus: HeadersByStatus,
  always: Readonly<Record<string, string>>,
): Decorator | undefined {
  const fixed = Object.entries(always);
  if (fixed.length === 0 && Object.keys(byStatus).length === 0) return undefined;
  const known = new Map<number, readonly (readonly [string, readonly string[]])[]>();
  return ({ status, headers }) => {
    let own = known.get(status);
    if (own === undefined) {
      own = [...headersFor(byStatus, status)];
      known.set(status, own);
    }
    for (const [name, value] of fixed) headers.set(name, value);
    for (const [name, values] of own) {
      headers.delete(name);
      for (const value of values) headers.append(name, value);
    }
  };
}

function headersFor(byStatus: HeadersByStatus, status: number): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const level of ["default", `${Math.floor(status / 100)}xx`, String(status)]) {
    for (const [name, values] of Object.entries(byStatus[level] ?? {})) {
      if (!isReserved(name) && isWellFormed(name, values)) found.set(name.toLowerCase(), values);
    }
  }
  return found;
}

/** Whether HTTP can carry it. */
export function isWellFormed(name: string, values: readonly string[]): boolean {
  try {
    const headers = new Headers();
    for (const value of values) headers.append(name, value);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

/** Names that the API itself answers with. */
export function isReserved(name: string): boolean {
  return /^x-vault-/i.test(name);
}
