/** The machine as `sys/host-info` tells it. */
import type { JsonObject } from "../logical/json.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { Platform } from "../core/backend.ts";
import { cpus, loadavg } from "node:os";
import { statfsSync } from "node:fs";

/** Processors, memory, disk and system; amounts in bytes. */
export function hostInfo(platform: Platform, dataPath: string): JsonObject {
  const memory = Deno.systemMemoryInfo();
  const processors = cpus();
  return {
    timestamp: rfc3339(platform.clock.now()),
    cpu: processors.map(({ model, speed }, i) => ({ cpu: i, modelName: model, mhz: speed })),
    cpu_times: processors.map(({ times }, i) => ({ cpu: `cpu${i}`, ...times })),
    disk: [diskOf(dataPath)],
    host: {
      hostname: Deno.hostname(),
      uptime: Deno.osUptime(),
      os: Deno.build.os,
      kernelVersion: Deno.osRelease(),
      kernelArch: Deno.build.arch,
      loadAverage: loadavg(),
      crypto_provider: platform.crypto.name,
      runtime: `deno ${Deno.version.deno}`,
    },
    memory: {
      total: memory.total,
      free: memory.free,
      available: memory.available,
      used: memory.total - memory.available,
    },
  };
}

function diskOf(path: string): JsonObject {
  const { bsize, blocks, bfree, bavail } = statfsSync(path);
  const total = bsize * blocks;
  return { path, total, free: bsize * bavail, used: total - bsize * bfree };
}
