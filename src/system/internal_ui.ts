/** `sys/internal/ui/*`: what the web page and the CLI's preflight ask. */
import { permissionDenied } from "../base/failure.ts";
import { type Path, path } from "../backend/path.ts";
import { findToken } from "../core/authenticate.ts";
import type { Call } from "../core/backend.ts";
import { type MountEntry, routePath } from "../core/mount_entry.ts";
import type { Services } from "../core/services.ts";
import type { JsonObject } from "../logical/json.ts";
import { capabilityNames } from "../policy/capability.ts";
import type { Acl } from "../policy/acl.ts";
import { mountBody } from "./mount_body.ts";

/** The caller's ACL; undefined without a valid token. */
async function callersAcl(services: Services, call: Call): Promise<Acl | undefined> {
  const { tokens, batchTokens } = services;
  const token = await findToken(call.transaction, tokens, batchTokens, call.request);
  return token === undefined ? undefined : await services.acls.forToken(call.transaction, token);
}

/** Whether some rule grants something on a mount or below it. */
function grantsBelow(acl: Acl, mount: string): boolean {
  if (acl.isRoot) return true;
  return acl.rules.some((rule) => {
    const names = capabilityNames(rule.capabilities);
    if (names.length === 0 || names.includes("deny")) return false;
    const literal = rule.path.split(/[+*]/)[0] ?? "";
    return literal.startsWith(mount) || (literal !== rule.path && mount.startsWith(literal));
  });
}

async function listMounts(services: Services, call: Call) {
  const acl = await callersAcl(services, call);
  const visible = (table: "mounts" | "auth") => {
    const shown: JsonObject = {};
    for (const entry of services.mounts.list(table)) {
      const open = entry.config.listingVisibility === "unauth";
      if (acl === undefined) {
        if (open) shown[entry.path] = publicBody(entry);
      } else if (open || grantsBelow(acl, routePath(entry))) shown[entry.path] = mountBody(entry);
    }
    return shown;
  };
  return { data: { auth: visible("auth"), secret: visible("mounts") } };
}

/** Of a mount that is shown to everyone, no more than it takes to choose it. */
function publicBody({ type, description, options }: MountEntry): JsonObject {
  return { type, description, options: { ...options } };
}

async function oneMount(services: Services, call: Call, asked: string) {
  const acl = await callersAcl(services, call);
  const route = services.mounts.router.find(asked);
  if (acl === undefined || route === undefined) throw permissionDenied();
  const { entry } = route.mounted;
  if (!grantsBelow(acl, routePath(entry))) throw permissionDenied();
  return { data: { ...mountBody(entry), path: entry.path } };
}

function resultantAcl(acl: Acl) {
  if (acl.isRoot) return { data: { root: true } };
  const exact: JsonObject = {};
  const glob: JsonObject = {};
  for (const rule of acl.rules) {
    const body = { capabilities: capabilityNames(rule.capabilities) };
    if (rule.path.endsWith("*") && !rule.path.includes("+")) glob[rule.path.slice(0, -1)] = body;
    else if (rule.path.includes("+")) glob[rule.path] = body;
    else exact[rule.path] = body;
  }
  return { data: { exact_paths: exact, glob_paths: glob, root: false } };
}

export function internalUiPaths(services: () => Services): Path[] {
  return [
    path("internal/ui/mounts/?", {
      summary: "The mounts that the caller can see.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Lists the mounts that the caller can see.",
          handler: (call) => listMounts(services(), call),
        },
      },
    }),
    path("internal/ui/mounts/+path", {
      summary: "The mount that a path belongs to.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Tells of the mount that a path belongs to.",
          handler: (call, input) => oneMount(services(), call, input.path),
        },
      },
    }),
    path("internal/ui/resultant-acl", {
      summary: "All that the caller may do.",
      operations: {
        read: {
          summary: "Tells all that the caller may do.",
          handler: async (call) => {
            const acl = await callersAcl(services(), call);
            if (acl === undefined) throw permissionDenied();
            return resultantAcl(acl);
          },
        },
      },
    }),
    path("internal/ui/namespaces", {
      summary: "The namespaces that the caller can see.",
      unauthenticated: true,
      operations: {
        read: {
          summary: "Lists the namespaces that the caller can see.",
          handler: async (call) => {
            if (await callersAcl(services(), call) === undefined) throw permissionDenied();
            return { data: {} };
          },
        },
      },
    }),
  ];
}
