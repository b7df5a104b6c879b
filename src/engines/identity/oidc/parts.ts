/** What the paths of identity tokens share. */
import { fromUtf8 } from "../../../base/bytes.ts";
import type { Call } from "../../../core/backend.ts";
import type { Services } from "../../../core/services.ts";
import type { JsonObject } from "../../../logical/json.ts";
import type { LogicalResponse } from "../../../logical/response.ts";
import type { KeyKeeper } from "./key.ts";

export interface OidcParts {
  readonly services: () => Services;
  /** Where clients reach this node, for issuers that none was set for. */
  readonly apiAddress: () => string;
}

export const configKey = "oidc/config";

export function keeperOf({ services }: OidcParts): KeyKeeper {
  const { clock, random } = services().mounts.platform;
  return { random, now: clock.now() };
}

/** The issuer as it was set; "" where none was. */
export async function issuerSetting(call: Call): Promise<string> {
  const bytes = await call.storage.get(configKey);
  if (bytes === undefined) return "";
  const config: { issuer: string } = JSON.parse(fromUtf8(bytes));
  return config.issuer;
}

export async function issuerOf(parts: OidcParts, call: Call): Promise<string> {
  return `${await issuerSetting(call) || parts.apiAddress()}/v1/identity/oidc`;
}

/** A body without the usual envelope, as the OIDC documents have it. */
export function plainJson(body: JsonObject, headers: Record<string, string> = {}): LogicalResponse {
  return {
    raw: { status: 200, contentType: "application/json", body: JSON.stringify(body), headers },
  };
}
