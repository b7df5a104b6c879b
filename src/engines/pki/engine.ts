/** What the parts of one mount share. */
import { badRequest, Failure } from "../../base/failure.ts";
import type { Platform } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { DerError } from "../../crypto/der.ts";
import { KeyFormatError } from "../../crypto/keys.ts";
import type { CrlBuilder } from "./crl_builder.ts";
import type { KeyRing } from "./key_ring.ts";
import type { Tidy } from "./tidy.ts";

export interface Engine {
  readonly services: () => Services;
  readonly keys: KeyRing;
  readonly crls: CrlBuilder;
  readonly tidy: Tidy;
}

export function platformOf({ services }: Pick<Engine, "services">): Platform {
  return services().mounts.platform;
}

/** Turns what is wrong with bytes of a client's into a 400 that says which. */
export async function readable<T>(what: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(what, error);
  }
}

/** The same, without waiting. */
export function readableNow<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(what, error);
  }
}

function unreadable(what: string, error: unknown): unknown {
  if (error instanceof Failure) return error;
  if (error instanceof DerError || error instanceof KeyFormatError) {
    return badRequest(`${what} can't be read: ${error.message}`, error);
  }
  return error;
}
