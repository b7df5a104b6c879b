/**
 * A device that could not be opened when the node unsealed. It fails every line, and so refuses
 * requests where it is the only one, until opening it succeeds: an unseal never hangs on it.
 */
import type { AuditDevice } from "./device.ts";

export class RetryingDevice implements AuditDevice {
  #opened: AuditDevice | undefined;

  constructor(readonly open: () => Promise<AuditDevice>) {}

  async write(lines: readonly string[]): Promise<void> {
    this.#opened ??= await this.open();
    await this.#opened.write(lines);
  }

  async reopen(): Promise<void> {
    if (this.#opened === undefined) this.#opened = await this.open();
    else await this.#opened.reopen();
  }

  usedShare(): Promise<number | undefined> {
    return this.#opened?.usedShare?.() ?? Promise.resolve(undefined);
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }
}
