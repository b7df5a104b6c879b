/**
 * This node stands by and can't answer the request itself; nothing was done. Whoever took the
 * request passes it on to the active node. Never reaches a client.
 */
export class NotAnswered extends Error {
  override name = "NotAnswered";
}
