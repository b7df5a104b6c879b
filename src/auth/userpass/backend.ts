/** The userpass auth method. */
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { loginPath, renewUserLogin } from "./login.ts";
import { type Cost, Passwords } from "./password.ts";
import { userPaths } from "./users.ts";

/** `cost` of new hashes is for tests. */
export function userpassBackend(services: () => Services, cost?: Cost): LogicalBackend {
  const passwords = new Passwords(() => services().mounts.platform.random, cost);
  return defineBackend({
    type: "userpass",
    help: "Logs people in by name and password.",
    renewLogin: renewUserLogin,
    paths: [...userPaths(passwords), loginPath(services, passwords)],
  });
}
