/** The database engine: users in databases, made when asked for and dropped with their leases. */
import { waitAtMost } from "../../base/clock.ts";
import { defineBackend } from "../../backend/backend.ts";
import type { LogicalBackend } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { configPaths } from "./config_paths.ts";
import { Connections } from "./connections.ts";
import { credsPath } from "./creds.ts";
import { type Engine, Turns } from "./engine.ts";
import { leaseConnection, renewUser, revokeUser } from "./lease.ts";
import { mysqlPlugins } from "./mysql/plugin.ts";
import type { DatabasePlugin } from "./plugin.ts";
import { postgres } from "./postgres/plugin.ts";
import { redisPlugins } from "./redis/plugin.ts";
import { RotationSchedule } from "./schedule.ts";
import { rolePaths } from "./role_paths.ts";
import { rotateRootPath } from "./rotate_root.ts";
import { staticPaths } from "./static_paths.ts";
import { Succession } from "./succession.ts";

/** The kinds of databases there are. */
export const databasePlugins: readonly DatabasePlugin[] = [
  postgres,
  ...mysqlPlugins,
  ...redisPlugins,
];

/** A database that does not answer may hold up a seal for so long. */
const closeMs = 5_000;

export interface DatabaseTimes {
  /** See `Succession`; its own where absent. */
  readonly creationMs?: number;
}

export function databaseBackend(
  services: () => Services,
  plugins: readonly DatabasePlugin[] = databasePlugins,
  { creationMs }: DatabaseTimes = {},
): LogicalBackend {
  const engine: Engine = {
    services,
    connections: new Connections(plugins),
    creating: new Map(),
    succession: new Succession(() => services().mounts.platform.clock, creationMs),
    rotations: new Turns(),
    schedule: new RotationSchedule(() => engine),
  };
  return defineBackend({
    type: "database",
    help: "Makes users in databases for those who may have one, and drops them in time.",
    paths: [
      ...configPaths(engine),
      ...rolePaths(),
      credsPath(engine),
      rotateRootPath(engine),
      ...staticPaths(engine),
    ],
    readsFromSnapshot: (path) => /^static-(roles|creds)(\/|$)/.test(path),
    revoke: (call) => revokeUser(engine, call),
    revocationTarget: leaseConnection,
    renew: (call) => renewUser(engine, call),
    start: ({ uuid }) => {
      engine.succession.begin();
      engine.schedule.start({ prefix: `logical/${uuid}/` });
    },
    close: async () => {
      const { clock } = services().mounts.platform;
      const ending = engine.schedule.stop().then(() => engine.connections.closeAll());
      await waitAtMost(clock, closeMs, ending);
    },
  });
}
