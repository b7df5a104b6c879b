/** The userpass auth method. */
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { loginPath, renewUserLogin } from "./login.ts";
import { type Cost, type Derive, Passwords } from "./password.ts";
import { userPaths } from "./users.ts";

/** `cost` of new hashes, and how a key is made of a password, are for tests. */
export function userpassBackend(
  services: () => Services,
  cost?: Cost,
  derive?: Derive,
): LogicalBackend {
  const random = () => services().mounts.platform.random;
  const passwords = new Passwords(random, cost, undefined, derive);
  return defineBackend({
    type: "userpass",
    help: "Logs people in by name and password.",
    renewLogin: renewUserLogin,
    paths: [...userPaths(passwords), loginPath(services, passwords)],
  });
}
