/**
 * What clients asked and were told, and whether registers could have answered so: linearizability
 * where every written value is unique (Gibbons and Korach, "Testing Shared Memories", 1997).
 */

export interface Operation {
  readonly kind: "read" | "write";
  readonly key: string;
  readonly start: number;
  /** Infinity where nobody knows whether and when it happened. */
  end: number;
  /** "" before the first write. */
  value: string;
}

/** A write with the reads that saw it: from its first end to its last start it is the value. */
interface Zone {
  readonly value: string;
  writeStart: number;
  minEnd: number;
  maxStart: number;
  isRead: boolean;
}

export class RegisterHistory {
  readonly operations: Operation[] = [];

  /** Notes what begins; a write that fails for certain is to be dropped with `forget`. */
  begin(operation: Omit<Operation, "end">): Operation {
    const noted = { ...operation, end: Infinity };
    this.operations.push(noted);
    return noted;
  }

  forget(operation: Operation): void {
    this.operations.splice(this.operations.indexOf(operation), 1);
  }

  /** What no register could have answered, in words; undefined where all is well. */
  violation(): string | undefined {
    const keys = new Set(this.operations.map(({ key }) => key));
    for (const key of keys) {
      const wrong = this.#violationOf(key);
      if (wrong !== undefined) return `register ${key}: ${wrong}`;
    }
    return undefined;
  }

  #violationOf(key: string): string | undefined {
    const zones = new Map<string, Zone>([["", {
      value: "",
      writeStart: -1,
      minEnd: -1,
      maxStart: -1,
      isRead: false,
    }]]);
    const mine = this.operations.filter((operation) => operation.key === key);
    for (const { kind, value, start, end } of mine) {
      if (kind !== "write") continue;
      zones.set(value, { value, writeStart: start, minEnd: end, maxStart: start, isRead: false });
    }
    for (const { kind, value, start, end } of mine) {
      if (kind !== "read" || end === Infinity) continue;
      const zone = zones.get(value);
      if (zone === undefined) return `${value} was read and never written`;
      if (end < zone.writeStart) return `${value} was read before it was written`;
      zone.isRead = true;
      zone.minEnd = Math.min(zone.minEnd, end);
      zone.maxStart = Math.max(zone.maxStart, start);
    }
    // What never ended and nobody saw may not have happened.
    return overlap([...zones.values()].filter(({ isRead, minEnd }) => isRead || minEnd < Infinity));
  }
}

/** Two values can't both be the value at a time, and none comes and goes while another stays. */
function overlap(zones: readonly Zone[]): string | undefined {
  const forward = zones.filter(({ minEnd, maxStart }) => minEnd < maxStart);
  const backward = zones.filter(({ minEnd, maxStart }) => minEnd >= maxStart);
  forward.sort((a, b) => a.minEnd - b.minEnd);
  for (const [i, zone] of forward.entries()) {
    const next = forward[i + 1];
    if (next !== undefined && next.minEnd < zone.maxStart) {
      return `"${zone.value}" was read after "${next.value}" had taken its place`;
    }
    const inside = backward.find((each) => {
      return each.maxStart > zone.minEnd && each.minEnd < zone.maxStart;
    });
    if (inside !== undefined) {
      return `"${inside.value}" came after "${zone.value}", which was read after it`;
    }
  }
  return undefined;
}
