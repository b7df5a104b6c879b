/** Kinds of frames between raft nodes. */
export const Kind = {
  /** The first of each connection: who calls, and where it can be reached. */
  hello: 1,
  message: 2,
  ping: 3,
  pong: 4,
  /** Instead of a pong, by a leader: you are no member any more. */
  removed: 9,
  /** A sentence: who called is not talked to, because of what it said of itself. */
  refused: 10,
  stateHead: 5,
  stateChunk: 6,
  stateEnd: 7,
  /** One byte: whether the state was taken in. */
  stateTaken: 8,
} as const;
