/** What is kept of logins by browser until their states end: that they are done, or how far. */
import { fromUtf8, utf8 } from "../../../base/bytes.ts";
import type { View } from "../../../storage/transaction.ts";
import type { Who } from "../who.ts";
import type { PendingLogin } from "./states.ts";

export type LoginRecord =
  /** The provider has posted an ID token, which was verified; the client has not come yet. */
  | { readonly kind: "posted"; readonly idToken: string }
  /** The browser is through; whoever began may fetch the token. */
  | { readonly kind: "ready"; readonly who: Who }
  | { readonly kind: "used" };

const folder = "oidc/logins/";
/** Removed with one login at most; where there are more, the next one goes on. */
const sweptAtOnce = 100;
const sweepPauseMs = 60_000;

/** In the order in which they end. */
function keyOf({ id, expires }: Pick<PendingLogin, "id" | "expires">): string {
  return `${folder}${String(expires).padStart(15, "0")}-${id}`;
}

/** The records of one mount. */
export class LoginRecords {
  #sweepsAt = 0;

  async read(storage: View, login: PendingLogin): Promise<LoginRecord | undefined> {
    const bytes = await storage.get(keyOf(login));
    if (bytes === undefined) return undefined;
    const record: LoginRecord = JSON.parse(fromUtf8(bytes));
    return record;
  }

  /** Keeps it, and once in a while removes those whose states have ended by time. */
  async keep(storage: View, login: PendingLogin, record: LoginRecord, now: number): Promise<void> {
    storage.put(keyOf(login), utf8(JSON.stringify(record)));
    // Not each time: who lists the folder runs again when another login writes to it.
    if (now < this.#sweepsAt) return;
    this.#sweepsAt = now + sweepPauseMs;
    const ended = await storage.scan(folder, {
      before: keyOf({ id: "", expires: now }),
      limit: sweptAtOnce,
      keysOnly: true,
    });
    for (const { key } of ended) storage.delete(key);
    if (ended.length === sweptAtOnce) this.#sweepsAt = now;
  }
}
