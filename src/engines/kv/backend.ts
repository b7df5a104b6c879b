/** The KV engine: version 1 or 2, as the mount's options say. */
import type { Awaitable } from "../../base/awaitable.ts";
import { describeError } from "../../base/failure.ts";
import { defineBackend } from "../../backend/backend.ts";
import { path } from "../../backend/path.ts";
import type { Call, LogicalBackend, MountInfo } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import type { Operation } from "../../logical/request.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { dataPath } from "./data.ts";
import { metadataPaths } from "./metadata.ts";
import { metadataPrefix, v1Prefix } from "./record.ts";
import { configPath, subkeysPath } from "./settings.ts";
import { beginUpgrade, isUpgrading, runUpgrade, upgrading } from "./upgrade.ts";
import { v1Backend } from "./v1.ts";
import { versionPaths } from "./versions.ts";

const reads: ReadonlySet<Operation> = new Set(["read", "list", "scan"] as const);

const wrongPath: LogicalResponse = {
  status: 404,
  warnings: [
    "Invalid path for a versioned K/V secrets engine. Secrets are below data/, what is known of " +
    "them below metadata/; `holdfast kv` adds these by itself.",
  ],
};

function isVersioned(mount: MountInfo): boolean {
  return mount.options.version === "2";
}

export function kvBackend(services: () => Services): LogicalBackend {
  const platform = () => services().mounts.platform;
  let v2: LogicalBackend | undefined;
  const unversioned = v1Backend(() => platform().clock.now());
  const versioned = () => v2 ??= versionedBackend(services);
  const pick = (call: Call) => isVersioned(call.mount) ? versioned() : unversioned;
  return {
    type: "kv",
    specialPaths: {},
    readsFromSnapshot: () => true,
    handle(call) {
      const backend = pick(call);
      const busy = isVersioned(call.mount) && isUpgrading(call.storage);
      // Mostly known at once: this is the way of every read.
      return busy === false ? backend.handle(call) : handleUnless(busy, backend, call);
    },
    exists: (call) => pick(call).exists(call),
    onStandby: (_path, operation) => reads.has(operation),
    async initialize({ mount, storage, transaction }) {
      if (!isVersioned(mount)) return;
      await beginUpgrade(storage, transaction, () => {
        const prefix = `logical/${mount.uuid}/`;
        runUpgrade(services().transactions, (t) => t.within(prefix), platform()).catch((error) =>
          platform().log.error("upgrading a KV mount failed", {
            mount: mount.path,
            error: describeError(error),
          })
        );
      });
    },
    secretNames: ({ version }) => version === "2" ? metadataPrefix : v1Prefix,
    describe(options) {
      const backend = options.version === "2" ? versioned() : unversioned;
      return backend.describe?.(options) ?? { help: "", paths: [] };
    },
  };
}

async function handleUnless(busy: Awaitable<boolean>, backend: LogicalBackend, call: Call) {
  if (await busy) throw upgrading();
  return await backend.handle(call);
}

function versionedBackend(services: () => Services): LogicalBackend {
  const platform = services().mounts.platform;
  return defineBackend({
    type: "kv",
    help: "Keeps secrets at paths of your choice, with their former versions.",
    paths: [
      dataPath(platform),
      ...metadataPaths(platform),
      ...versionPaths(platform),
      configPath(),
      subkeysPath(platform),
      path("*path", {
        summary: "Anything else is a mistake.",
        arbitrary: true,
        operations: {
          read: { summary: "Tells where secrets are.", handler: () => wrongPath },
          list: { summary: "Tells where secrets are.", handler: () => wrongPath },
          update: { summary: "Tells where secrets are.", handler: () => wrongPath },
          delete: { summary: "Tells where secrets are.", handler: () => wrongPath },
          patch: { summary: "Tells where secrets are.", handler: () => wrongPath },
        },
      }),
    ],
  });
}
