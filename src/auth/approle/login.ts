/** `login`: role ID and secret ID against a token. */
import { type Awaitable, chain } from "../../base/awaitable.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, LeaseCall } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { Auth } from "../../logical/auth.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { lockoutName } from "../common/lockout_name.ts";
import { loginAuth, renewedAuth } from "../common/login_auth.ts";
import { addressAllowed } from "./cidrs.ts";
import { readCidrs } from "../common/token_fields.ts";
import { readRoleFrom, type Role, roleById } from "./role.ts";
import {
  hasEnded,
  placeOfSecretId,
  readSecretId,
  type SecretId,
  type SecretIdPlace,
  useSecretId,
} from "./secret_id.ts";

const wrong = "invalid role or secret ID";

function login(
  services: Services,
  call: Call,
  roleId: string,
  secretId: string,
): Awaitable<LogicalResponse> {
  if (roleId === "") throw badRequest("missing role_id");
  return chain(roleById(call, roleId), (role) => {
    if (role === undefined) throw badRequest(wrong);
    const entry = role.bindSecretId ? checkSecretId(services, call, role, secretId) : undefined;
    return chain(entry, (entry) => loggedIn(call, role, entry));
  });
}

function loggedIn(call: Call, role: Role, entry: SecretId | undefined): LogicalResponse {
  const ranges = entry !== undefined && entry.cidrList.length > 0
    ? entry.cidrList
    : role.secretIdBoundCidrs;
  if (!addressAllowed(ranges, call.request.connection.remoteAddress)) {
    throw badRequest("the source address is not allowed to log in with this role or secret ID");
  }
  const metadata = { ...entry?.metadata, role_name: role.name };
  const auth = loginAuth(call, role.params, {
    metadata,
    alias: { name: role.roleId, metadata },
    internalData: { role_name: role.name },
    ...(entry !== undefined && entry.tokenBoundCidrs.length > 0
      ? { boundCidrs: readCidrs("token_bound_cidrs", entry.tokenBoundCidrs) }
      : {}),
  });
  return { auth };
}

/** The role that a request logs in for: quotas may be for one. Undefined where it is no login. */
export async function askedRole(call: Call): Promise<string | undefined> {
  const { role_id: roleId } = call.request.data;
  if (call.path !== "login" || typeof roleId !== "string") return undefined;
  return (await roleById(call, roleId))?.name;
}

/** The role that a token was logged in with. */
export function roleOfToken({ role_name: name }: Readonly<Record<string, unknown>>) {
  return typeof name === "string" ? name : undefined;
}

/** Finds the secret ID and takes a use of it. A wrong one counts against the role. */
function checkSecretId(
  services: Services,
  call: Call,
  role: Role,
  secretId: string,
): Awaitable<SecretId> {
  if (secretId === "") throw badRequest("missing secret_id");
  const { lockouts, tokens } = services;
  const counted = lockoutName(services, call, role.roleId);
  const take = (place: SecretIdPlace, entry: SecretId | undefined) => {
    const now = tokens.clock.now();
    if (entry === undefined || hasEnded(entry, now)) throw lockouts.failed(counted, wrong);
    useSecretId(call.storage, place, entry, now);
    call.transaction.afterCommit(() => lockouts.forget(counted));
    return entry;
  };
  return chain(lockouts.check(call.transaction, counted), () => {
    lockouts.recheck(counted);
    return chain(
      placeOfSecretId(services, call, role, secretId),
      (place) => chain(readSecretId(call, place), (entry) => take(place, entry)),
    );
  });
}

export function loginPath(services: () => Services): Path {
  return path("login", {
    summary: "Logs in with role ID and secret ID.",
    fields: {
      role_id: field.string("ID of the role.", ""),
      secret_id: field.string("A secret ID of the role, where it needs one.", ""),
    },
    unauthenticated: true,
    operations: {
      update: {
        summary: "Logs in with role ID and secret ID.",
        handler: (call, { role_id, secret_id }) =>
          login(services(), call, role_id.trim(), secret_id.trim()),
      },
    },
  });
}

/** A renewal asks whether the role is still there. */
export async function renewRoleLogin(call: LeaseCall, auth: Auth): Promise<Auth> {
  const { role_name: name } = call.internalData;
  const role = typeof name === "string" ? await readRoleFrom(call.storage, name) : undefined;
  if (role === undefined) throw badRequest("the role does not exist any more");
  return renewedAuth(auth, role.params);
}
