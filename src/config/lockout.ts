import { userLockoutKeys } from "./keys/stanzas.ts";
import type { ServerConfig } from "./server_types.ts";
import type { Typed } from "./table.ts";

type Lockout = Typed<typeof userLockoutKeys>;

const defaults: Lockout = {
  lockout_threshold: userLockoutKeys.lockout_threshold.default,
  lockout_duration: userLockoutKeys.lockout_duration.default,
  lockout_counter_reset: userLockoutKeys.lockout_counter_reset.default,
  disable_lockout: userLockoutKeys.disable_lockout.default,
};

/** Lockout settings of an auth method. What its stanza does not set comes from `all`. */
export function lockoutFor(config: Pick<ServerConfig, "userLockouts">, method: string): Lockout {
  const all = config.userLockouts.find(({ type }) => type === "all");
  const own = config.userLockouts.find(({ type }) => type === method);
  const source = (key: keyof Lockout): Lockout => {
    const stanza = own !== undefined && key in own.given ? own : all;
    return stanza?.values ?? defaults;
  };
  return {
    lockout_threshold: source("lockout_threshold").lockout_threshold,
    lockout_duration: source("lockout_duration").lockout_duration,
    lockout_counter_reset: source("lockout_counter_reset").lockout_counter_reset,
    disable_lockout: source("disable_lockout").disable_lockout,
  };
}
