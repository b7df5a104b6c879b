/** Where audit lines go. */
import { badRequest } from "../base/failure.ts";
import { parseDuration } from "../config/units.ts";

/** What a type of device is opened with: texts, as the API keeps them. */
export type DeviceOptions = Readonly<Record<string, string>>;

export interface AuditDevice {
  /**
   * Hands lines to the device, each ending in a line feed; resolves once it has them all, and
   * rejects when it could not take them all. Never called again before it has settled.
   */
  write(lines: readonly string[]): Promise<void>;
  /** Opens what it writes to anew, after someone has moved it away. */
  reopen(): Promise<void>;
  close(): Promise<void>;
  /** How full the disk is that it writes to, 0 to 1; undefined where there is none. */
  usedShare?(): Promise<number | undefined>;
}

/** Opens a device. Throws a 400 `Failure` for options that make no sense or can't be opened. */
export type DeviceOpener = (options: DeviceOptions) => Promise<AuditDevice>;

/** A text option that is true or false. Throws a 400 `Failure` for any other text. */
export function flag(options: DeviceOptions, name: string, fallback: boolean): boolean {
  const text = options[name];
  if (text === undefined || text === "") return fallback;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw badRequest(`${name} must be true or false, not ${JSON.stringify(text)}`);
}

/** A duration option in milliseconds. Throws a 400 `Failure` for what is none. */
export function milliseconds(options: DeviceOptions, name: string, fallback: number): number {
  const text = options[name];
  if (text === undefined || text === "") return fallback;
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds < 0) {
    throw badRequest(`${name} must be a duration such as 2s, not ${JSON.stringify(text)}`);
  }
  return seconds * 1000;
}
