import type { Position } from "./hcl/ast.ts";

/** Something to tell the operator about the configuration. */
export interface ConfigNote {
  /** Name of the text, or `environment`. */
  readonly file: string;
  /** From 1; 0 where there is no place, as for the environment. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** Collects notes while a configuration is read. */
export class Notes {
  readonly warnings: ConfigNote[] = [];
  readonly errors: ConfigNote[] = [];

  warn(file: string, at: Position, message: string): void {
    this.warnings.push({ file, line: at.line, column: at.column, message });
  }

  error(file: string, at: Position, message: string): void {
    this.errors.push({ file, line: at.line, column: at.column, message });
  }
}

/** `file:line:column: message`, as compilers print it and editors understand it. */
export function formatNote(note: ConfigNote): string {
  const place = note.line === 0 ? note.file : `${note.file}:${note.line}:${note.column}`;
  return `${place}: ${note.message}`;
}
