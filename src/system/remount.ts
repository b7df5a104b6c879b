/** `sys/remount`: a mount moves, its data and leases with it. */
import { badRequest, notFound } from "../base/failure.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import type { Call } from "../core/backend.ts";
import type { Services } from "../core/services.ts";
import type { MountEntry } from "../core/mount_entry.ts";
import { revokePrefix } from "../core/revoke_prefix.ts";
import { isJsonObject, parseJson } from "../logical/json.ts";
import { checkFree, mountPath, movable } from "./mounts.ts";

const statusPrefix = "sys/remount-status/";

async function remount(services: Services, call: Call, fromText: string, toText: string) {
  if (fromText === "" || toText === "") throw badRequest("both 'from' and 'to' are needed");
  const from = mountPath(fromText);
  const to = mountPath(toText);
  const toAuth = to.startsWith("auth/");
  const { entry } = movable(services, from);
  if ((entry.table === "auth") !== toAuth) {
    throw badRequest("an auth method can't become a secrets engine, nor the other way round");
  }
  const target = toAuth ? to.slice(5) : to;
  checkFree(services, toAuth ? "auth" : "mounts", target);
  const id = services.tokens.random.uuid();
  const moved: MountEntry = { ...entry, path: target };
  await services.mounts.change(call.transaction, entry, moved);
  call.transaction.put(
    statusPrefix + id,
    utf8(JSON.stringify({ source_mount: from, target_mount: to, status: "success" })),
  );
  // Leases name the path they were made under, which from now on leads nowhere.
  call.transaction.beforeAnswer(async () => {
    await revokePrefix(services, from, { force: true });
  });
  return {
    data: { migration_id: id },
    topLevel: { migration_id: id },
    warnings: ["The mount has been moved; leases of its former path are being revoked."],
  };
}

export function remountPaths(services: () => Services): Path[] {
  return [
    path("remount/status/:migration_id", {
      summary: "How far a move is.",
      operations: {
        read: {
          summary: "Tells how far a move is.",
          handler: async (call, { migration_id }) => {
            const bytes = await call.transaction.get(statusPrefix + migration_id);
            const info = bytes === undefined ? undefined : parseJson(fromUtf8(bytes));
            if (!isJsonObject(info)) throw notFound();
            return { data: { migration_id, migration_info: info } };
          },
        },
      },
    }),
    path("remount", {
      summary: "Moves a mount to another path.",
      sudo: true,
      fields: {
        from: field.string("Where it is.", ""),
        to: field.string("Where it shall be.", ""),
      },
      operations: {
        update: {
          summary: "Moves a mount.",
          handler: (call, input) => remount(services(), call, input.from, input.to),
        },
      },
    }),
  ];
}
