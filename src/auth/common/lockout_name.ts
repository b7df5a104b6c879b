/** Under which name, and by which rules, the failures of a login count. */
import type { Call } from "../../core/backend.ts";
import type { LoginName } from "../../core/lockout.ts";
import type { Services } from "../../core/services.ts";

/** The name as the lockout of this call's mount counts it. */
export function lockoutName(services: Services, call: Call, name: string): LoginName {
  const { accessor, path } = call.mount;
  const entry = services.mounts.router.at(path)?.entry;
  return { accessor, name, settings: services.lockouts.settingsFor(entry) };
}
