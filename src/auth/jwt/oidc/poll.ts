/** `oidc/poll`: whether a login that ends elsewhere has ended. */
import { badRequest } from "../../../base/failure.ts";
import { field } from "../../../backend/field.ts";
import { type Path, path } from "../../../backend/path.ts";
import type { Call } from "../../../core/backend.ts";
import type { LogicalResponse } from "../../../logical/response.ts";
import type { Role } from "../role.ts";
import { authOf, type Who } from "../who.ts";
import {
  oidcConfig,
  type OidcParts,
  platformOf,
  providerOf,
  roleOf,
  vouch,
  whoLoggedIn,
} from "./parts.ts";
import { refusal } from "./provider.ts";
import { isSameClient, openState, type PendingLogin } from "./states.ts";

const fields = {
  state: field.string("The state that began the login.", ""),
  client_nonce: field.string("The same as when the login began.", ""),
};

async function poll(
  parts: OidcParts,
  call: Call,
  state: string,
  clientNonce: string,
): Promise<LogicalResponse> {
  const platform = platformOf(parts);
  const login = await openState(call, platform, state);
  const record = login === undefined ? undefined : await parts.records.read(call.storage, login);
  if (login === undefined || record?.kind === "used") {
    throw refusal("Expired or missing OAuth state.");
  }
  if (!isSameClient(platform, login, clientNonce)) throw badRequest("invalid client_nonce");
  const role = await roleOf(call, login);
  if (role.callbackMode === "client") throw refusal("The role is not for logins that are polled.");
  const isDevice = role.callbackMode === "device" && login.deviceCode !== "";
  const who = isDevice
    ? await askProvider(parts, call, login, role)
    : record?.kind === "ready"
    ? record.who
    : undefined;
  // The words of RFC 8628, for which clients look at the end of an error.
  if (who === undefined) throw badRequest("authorization_pending");
  await parts.records.keep(call.storage, login, { kind: "used" }, platform.clock.now());
  return { auth: authOf(call, login.role, role, who) };
}

async function askProvider(
  parts: OidcParts,
  call: Call,
  login: PendingLogin,
  role: Role,
): Promise<Who> {
  const config = await oidcConfig(call);
  const provider = await providerOf(parts, call, config);
  const vouched = await parts.vouched.of(call.request, async () => {
    const tokens = await provider.pollDevice(login.deviceCode);
    if (typeof tokens === "string") return tokens;
    return await vouch(parts, call, provider, role, tokens, undefined);
  });
  if (typeof vouched === "string") throw badRequest(vouched);
  return whoLoggedIn(config, login.role, role, vouched);
}

export function pollPath(parts: OidcParts): Path {
  return path("oidc/poll", {
    summary: "Ends a login that the browser or another device goes through by itself.",
    fields,
    unauthenticated: true,
    operations: {
      update: {
        summary: "Answers a token, or that the user is not through yet.",
        handler: (call, { state, client_nonce }) => poll(parts, call, state, client_nonce),
      },
    },
  });
}
