/** The approle auth method: programs log in with an ID of their role and a secret ID. */
import { defineBackend } from "../../backend/backend.ts";
import { type Path, path } from "../../backend/path.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { askedRole, loginPath, renewRoleLogin, roleOfToken } from "./login.ts";
import { roleFieldPaths } from "./role_field_paths.ts";
import { rolePaths } from "./role_paths.ts";
import { removeEnded } from "./secret_id.ts";
import { secretIdPaths } from "./secret_id_paths.ts";

/** Secret IDs that one transaction removes. */
const tidiedAtOnce = 200;

/** Ended secret IDs are refused anyway; this gives their storage back. */
function tidyPath(services: () => Services): Path {
  return path("tidy/secret-id", {
    summary: "Removes secret IDs that have ended.",
    operations: {
      update: {
        summary: "Removes secret IDs that have ended.",
        handler: (call) => {
          const { transactions, tokens } = services();
          const prefix = `auth/${call.mount.uuid}/`;
          call.transaction.beforeAnswer(async () => {
            let found = tidiedAtOnce;
            while (found === tidiedAtOnce) {
              found = await transactions.run((transaction) =>
                removeEnded(transaction.within(prefix), tokens.clock.now(), tidiedAtOnce)
              );
            }
          });
          return { status: 202, warnings: ["Ended secret IDs have been removed."] };
        },
      },
    },
  });
}

export function approleBackend(services: () => Services): LogicalBackend {
  return defineBackend({
    type: "approle",
    help: "Logs programs in by role ID and secret ID.",
    renewLogin: renewRoleLogin,
    loginRole: askedRole,
    tokenRole: roleOfToken,
    paths: [
      ...rolePaths(services),
      ...secretIdPaths(services),
      ...roleFieldPaths,
      loginPath(services),
      tidyPath(services),
    ],
  });
}
