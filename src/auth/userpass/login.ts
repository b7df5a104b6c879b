/** `login/:username`: the password against a token. */
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call, LeaseCall } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { Auth } from "../../logical/auth.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { lockoutName } from "../common/lockout_name.ts";
import { loginAuth, renewedAuth, samePolicies } from "../common/login_auth.ts";
import { isForeign, type Passwords } from "./password.ts";
import { readUser, saveUser } from "./user.ts";

async function login(
  services: Services,
  passwords: Passwords,
  call: Call,
  name: string,
  password: string,
): Promise<LogicalResponse> {
  if (password === "") throw badRequest("missing password");
  const counted = lockoutName(services, call, name);
  await services.lockouts.check(call.transaction, counted);
  const user = await readUser(call.storage, name);
  const right = await passwords.verify(call.request, password, user?.passwordHash);
  services.lockouts.recheck(counted);
  if (user === undefined || !right) {
    throw services.lockouts.failed(counted, "invalid username or password");
  }
  if (isForeign(user.passwordHash)) {
    const passwordHash = await passwords.hash(call.request, password);
    saveUser(call.storage, name, { ...user, passwordHash });
  }
  const metadata = { username: name };
  const auth = loginAuth(call, user.params, {
    displayName: name,
    metadata,
    alias: { name },
    internalData: { username: name },
  });
  call.transaction.afterCommit(() => services.lockouts.forget(counted));
  return { auth };
}

export function loginPath(services: () => Services, passwords: Passwords): Path {
  return path("login/:username", {
    summary: "Logs in with a password.",
    params: { username: "Name of the user" },
    fields: { password: field.string("The password.", "") },
    unauthenticated: true,
    operations: {
      update: {
        summary: "Logs in with a password.",
        handler: (call, { username, password }) =>
          login(services(), passwords, call, username.toLowerCase(), password),
      },
    },
  });
}

/** A renewal asks whether the user is still there, with the policies that the token has. */
export async function renewUserLogin(call: LeaseCall, auth: Auth): Promise<Auth> {
  const { username } = call.internalData;
  const user = typeof username === "string" ? await readUser(call.storage, username) : undefined;
  if (user === undefined) throw badRequest("the user does not exist any more");
  if (!samePolicies(auth, user.params)) {
    throw badRequest("policies have changed, not renewing");
  }
  return renewedAuth(auth, user.params);
}
