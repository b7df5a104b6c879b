/** What is wrong in a configuration or policy text, and where. */
export class HclError extends Error {
  constructor(
    /** Name of the text: a path, or "" for text that came over the API. */
    readonly file: string,
    /** From 1. */
    readonly line: number,
    /** From 1, in UTF-16 units. */
    readonly column: number,
    /** The sentence without the place. */
    readonly problem: string,
  ) {
    super(`${file === "" ? "" : `${file}: `}line ${line}, column ${column}: ${problem}`);
    this.name = "HclError";
  }
}
