/** Audit devices that stand in the configuration. */
import type { DeviceOptions } from "./device.ts";

export interface DeclaredDevice {
  /** Ends in "/". */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly options: DeviceOptions;
  readonly local: boolean;
}

/** Whether two of them would do the same; options in any order. */
export function isSame(a: DeclaredDevice, b: DeclaredDevice): boolean {
  return text(a) === text(b);
}

function text({ path, type, description, options, local }: DeclaredDevice): string {
  const sorted = Object.entries(options).sort(([x], [y]) => x < y ? -1 : 1);
  return JSON.stringify([path, type, description, local, sorted]);
}
