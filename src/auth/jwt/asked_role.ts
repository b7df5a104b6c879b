/** Which role a request logs in for: quotas may be for one. */
import type { Call, Platform } from "../../core/backend.ts";
import { readConfig } from "./config.ts";
import { openState } from "./oidc/states.ts";

/** Undefined where it is no login, or of no role. */
export async function askedRole(call: Call, platform: Platform): Promise<string | undefined> {
  const { role, state } = call.request.data;
  switch (call.path) {
    case "login":
    case "oidc/auth_url": {
      const asked = typeof role === "string" ? role.trim().toLowerCase() : "";
      return asked || (await readConfig(call))?.defaultRole;
    }
    case "oidc/callback":
    case "oidc/poll":
      return typeof state === "string" ? (await openState(call, platform, state))?.role : undefined;
    default:
      return undefined;
  }
}
