/** Which role a request logs in for: quotas may be for one. */
import type { Call, Platform } from "../../core/backend.ts";
import { readConfig } from "./config.ts";
import { openState } from "./oidc/states.ts";

/** Undefined where it is no login, or of no role. */
export async function askedRole(call: Call, platform: Platform): Promise<string | undefined> {
  return stored(await asked(call, platform));
}

/** The role that a token was logged in with. */
export function roleOfToken({ role }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof role === "string" ? stored(role) : undefined;
}

/** Roles may be asked for in capitals too; their own names have none. */
function stored(role: string | undefined): string | undefined {
  return role?.toLowerCase();
}

async function asked(call: Call, platform: Platform): Promise<string | undefined> {
  const { role, state } = call.request.data;
  switch (call.path) {
    case "login":
    case "oidc/auth_url":
      return (typeof role === "string" ? role.trim() : "") || (await readConfig(call))?.defaultRole;
    case "oidc/callback":
    case "oidc/poll":
      return typeof state === "string" ? (await openState(call, platform, state))?.role : undefined;
    default:
      return undefined;
  }
}
