/** When the barrier takes a new data key by itself: the settings behind sys/rotate/config. */
import { badRequest } from "../base/failure.ts";

export interface RotationConfig {
  readonly enabled: boolean;
  /** Encryptions after which a term is replaced. */
  readonly maxOperations: number;
  /** Age after which a term is replaced, milliseconds; 0 for never. */
  readonly intervalMs: number;
}

/**
 * With random 96-bit nonces NIST SP 800-38D allows 2^32 encryptions a key; nine tenths of that
 * leave time to rotate.
 */
export const MAX_OPERATIONS = 3_865_470_566;
/** Below this rotation would be a burden. */
export const MIN_OPERATIONS = 1_000_000;
/** The shortest interval that may be set, milliseconds: a day. */
export const MIN_INTERVAL_MS = 86_400_000;

export const DEFAULT_ROTATION: RotationConfig = {
  enabled: true,
  maxOperations: MAX_OPERATIONS,
  intervalMs: 0,
};

/** Throws a 400 `Failure` where a value is out of range. */
export function checkRotation(config: RotationConfig): void {
  const { maxOperations, intervalMs } = config;
  const fits = Number.isInteger(maxOperations) && maxOperations >= MIN_OPERATIONS &&
    maxOperations <= MAX_OPERATIONS;
  if (!fits) {
    throw badRequest(`max_operations must be in the range [${MIN_OPERATIONS},${MAX_OPERATIONS}]`);
  }
  if (intervalMs !== 0 && !(intervalMs >= MIN_INTERVAL_MS && Number.isSafeInteger(intervalMs))) {
    throw badRequest("interval must be greater or equal to 24h0m0s");
  }
}

/** Whether a term of this age and use is due to be replaced. */
export function rotationDue(
  config: RotationConfig,
  term: { readonly encryptions: number; readonly ageMs: number },
): boolean {
  if (!config.enabled) return false;
  if (term.encryptions >= config.maxOperations) return true;
  return config.intervalMs > 0 && term.ageMs >= config.intervalMs;
}
