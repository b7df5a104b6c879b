/** What runs out: the disk that the data lie on, and the certificates of listeners. */
import { X509Certificate } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { ServerConfig } from "../config/server_types.ts";
import type { Registry } from "../telemetry/registry.ts";
import { tlsPaths } from "./open_listener.ts";

/** From now on; the configuration is read anew at each look. */
export function measureMachine(registry: Registry, config: () => ServerConfig): void {
  registry.collect(async (report) => {
    const { storage } = config();
    const path = storage?.type === "raft" ? storage.values.path : undefined;
    if (path === undefined) return;
    const { bsize, blocks, bavail } = await statfs(path);
    report.gauge("storage.disk_free_bytes", bsize * bavail);
    report.gauge("storage.disk_size_bytes", bsize * blocks);
  });
  registry.collect(async (report) => {
    for (const { values } of config().listeners) {
      const paths = tlsPaths(values);
      if (paths === undefined) continue;
      const { validTo } = new X509Certificate(await Deno.readTextFile(paths.certPath));
      const seconds = Date.parse(validTo) / 1000;
      report.gauge("listener.certificate_expiry_time_seconds", seconds, {
        listener: String(values.address),
      });
    }
  });
}
