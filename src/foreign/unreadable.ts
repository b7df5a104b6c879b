/** What was read is not in a form that is known here. The message holds no values. */
export class UnreadableError extends Error {
  override name = "UnreadableError";
}
