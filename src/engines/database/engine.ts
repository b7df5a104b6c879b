/** What the paths of one mount share. */
import type { Services } from "../../core/services.ts";
import type { Connections } from "./connections.ts";
import { DatabaseFailure } from "./plugin.ts";
import { Failure } from "../../base/failure.ts";
import type { RotationSchedule } from "./schedule.ts";
import type { Succession } from "./succession.ts";
import type { NameSource } from "./username.ts";

export interface Engine {
  readonly services: () => Services;
  readonly connections: Connections;
  /** Users that are being made; who wants to drop one waits for that. */
  readonly creating: Map<string, Promise<void>>;
  readonly succession: Succession;
  /** One rotation a connection or static role at a time. */
  readonly rotations: Turns;
  readonly schedule: RotationSchedule;
}

/** Where a mount's own keys lie. */
export interface MountRef {
  readonly prefix: string;
}

export function mountOf({ mount }: { readonly mount: { readonly uuid: string } }): MountRef {
  return { prefix: `logical/${mount.uuid}/` };
}

export function nameSource({ services }: Engine): NameSource {
  const { platform } = services().mounts;
  const { clock, random, crypto } = platform;
  return { clock, random, sha256: (bytes) => crypto.hash("sha256", bytes) };
}

/** Calls with the same name, one after the other. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  async take<T>(name: string, body: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(name, promise);
    try {
      await before;
      return await body();
    } finally {
      if (this.#last.get(name) === promise) this.#last.delete(name);
      resolve();
    }
  }
}

/** What a database refused, for the client. Its words hold no secrets. */
export function databaseRefusal(what: string, error: unknown): unknown {
  if (!(error instanceof DatabaseFailure)) return error;
  return new Failure(500, `${what}: ${error.message}`, { cause: error });
}
