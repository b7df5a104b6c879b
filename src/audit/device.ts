/** Where audit lines go. */

/** What a type of device is opened with: texts, as the API keeps them. */
export type DeviceOptions = Readonly<Record<string, string>>;

export interface AuditDevice {
  /** Resolves once the line has been handed to the device; rejects when it could not be. */
  write(line: string): Promise<void>;
  /** Opens what it writes to anew, after someone has moved it away. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a device. Throws a 400 `Failure` for options that make no sense or can't be opened. */
export type DeviceOpener = (options: DeviceOptions) => Promise<AuditDevice>;

/** A text option that is true or false. */
export function flag(options: DeviceOptions, name: string, fallback: boolean): boolean {
  const text = options[name];
  if (text === undefined || text === "") return fallback;
  return ["1", "t", "true"].includes(text.toLowerCase());
}
