/** What the log is made of. */

export const EntryType = {
  /** A batch of changes of the state. */
  changes: 1,
  /** Nothing; a new leader's first entry. */
  noop: 2,
  /** The membership of the group. */
  configuration: 3,
  /** Other content in the place of all there is; it was staged beforehand (`replacement.ts`). */
  replace: 4,
} as const;

export type EntryType = typeof EntryType[keyof typeof EntryType];

/** The newest type there is. */
export const LAST_TYPE = Math.max(...Object.values(EntryType));

/** Where an entry stands. */
export interface Position {
  /** From 1 on, without gaps. 0 stands before the first. */
  readonly index: number;
  readonly term: number;
}

export interface LogEntry extends Position {
  readonly type: EntryType;
  readonly payload: Uint8Array;
}

export const START: Position = { index: 0, term: 0 };

export function entryType(byte: number): EntryType | undefined {
  return Object.values(EntryType).find((type) => type === byte);
}
