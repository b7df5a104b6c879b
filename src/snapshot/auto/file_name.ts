/** Names of automated snapshots: `<prefix>-<nanoseconds since the epoch>.snap`. */

export function snapshotName(prefix: string, milliseconds: number): string {
  return `${prefix}-${BigInt(Math.trunc(milliseconds)) * 1_000_000n}.snap`;
}

/** When a file of this prefix was begun, in nanoseconds; undefined for any other file. */
export function beganAt(prefix: string, name: string): bigint | undefined {
  if (!name.startsWith(`${prefix}-`)) return undefined;
  const [, digits] = /^(\d{1,20})\.snap$/.exec(name.slice(prefix.length + 1)) ?? [];
  return digits === undefined ? undefined : BigInt(digits);
}

/** The names to remove so that the `retain` newest stay. Files that are not of this prefix stay. */
export function surplus(prefix: string, names: readonly string[], retain: number): string[] {
  const dated = names.flatMap((name) => {
    const began = beganAt(prefix, name);
    return began === undefined ? [] : [{ name, began }];
  });
  dated.sort((a, b) => a.began === b.began ? 0 : a.began > b.began ? -1 : 1);
  return dated.slice(retain).map(({ name }) => name);
}
