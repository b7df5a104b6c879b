/**
 * A transaction within another: its changes are looked at before they are taken over, or dropped.
 * It reads through the outer one, which is then validated for both.
 */
import type { Awaitable } from "../base/awaitable.ts";
import type { Bytes } from "../base/bytes.ts";
import type { Entry, ListOptions, ScanOptions, Storage } from "./storage.ts";
import { Transaction } from "./transaction.ts";

export class Draft extends Transaction {
  constructor(readonly outer: Transaction) {
    super(throughTransaction(outer), outer.startSequence);
  }

  override noteRead(key: string): void {
    this.outer.noteRead(key);
  }

  /** Caches answer for neither's changes. */
  override hasWritten(key: string): boolean {
    return super.hasWritten(key) || this.outer.hasWritten(key);
  }

  override get changesNothing(): boolean {
    return super.changesNothing && this.outer.changesNothing;
  }

  /** Makes its changes, and what hangs on them, those of the outer transaction. */
  takeOver(): void {
    for (const { key, value } of this.writes) {
      if (value === null) this.outer.delete(key);
      else this.outer.put(key, value);
    }
    for (const hook of this.hooks) this.outer.afterCommit(hook);
    for (const task of this.tasks) this.outer.beforeAnswer(task);
  }
}

/** The outer transaction as what the draft reads from. */
function throughTransaction(outer: Transaction): Storage {
  return {
    get: (key: string): Awaitable<Bytes | undefined> => outer.get(key),
    list: (prefix: string, options?: ListOptions): Awaitable<string[]> =>
      outer.list(prefix, options),
    scan: (prefix: string, options: ScanOptions): Awaitable<Entry[]> => outer.scan(prefix, options),
    write: () => Promise.reject(new Error("a draft is taken over, not written")),
    close: () => Promise.resolve(),
  };
}
