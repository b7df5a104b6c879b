/** What a run must reach now and then, so that generators that no longer reach it are noticed. */
export const tokenMarks = [
  "token made",
  "child made",
  "token refused",
  "token renewed",
  "token revoked",
  "revoked token looked up",
  "answered by a standby",
  "children set free",
  "tokens revoked by prefix",
  "large family",
  "uses at once",
  "user made",
  "lease renewed",
  "lease revoked",
  "lease revoked at once",
  "users revoked by prefix",
  "clock set forward",
  "clock set back",
  "sealed",
  "database slow",
  "database silent",
  "database refuses",
  "database late",
  "database loses answers",
] as const;

export type TokenMark = typeof tokenMarks[number];
