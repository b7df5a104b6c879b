/** What a flag is. Parsing, help and completion all come from these declarations. */

export type FlagKind = "text" | "bool" | "int" | "duration" | "list" | "map";

export interface Flag {
  readonly name: string;
  readonly kind: FlagKind;
  /** One or more sentences for the help page. */
  readonly help: string;
  /** Value when neither the flag nor its environment variable is given, as it would be typed. */
  readonly fallback?: string;
  /** Environment variables that supply a value, first one wins. */
  readonly env?: readonly string[];
  /** Other names that mean the same. */
  readonly aliases?: readonly string[];
  /** What the help shows for the value; by default the kind. */
  readonly placeholder?: string;
  /** The only values allowed; also offered by completion. */
  readonly choices?: readonly string[];
  /** Parsed, but not shown: for tests and old names. */
  readonly hidden?: boolean;
}

type Extra = Omit<Flag, "name" | "kind" | "help">;

const declare = (kind: FlagKind) => (name: string, help: string, extra: Extra = {}): Flag => ({
  name,
  kind,
  help,
  ...extra,
});

/** Flags by kind: `text("path", "Where to mount it.")`. */
export const text: ReturnType<typeof declare> = declare("text");
export const bool: ReturnType<typeof declare> = declare("bool");
export const int: ReturnType<typeof declare> = declare("int");
export const duration: ReturnType<typeof declare> = declare("duration");
/** May be given several times; each adds one item. */
export const list: ReturnType<typeof declare> = declare("list");
/** May be given several times; each adds one `key=value`. */
export const map: ReturnType<typeof declare> = declare("map");
