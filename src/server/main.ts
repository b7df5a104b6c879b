/** `holdfast server`: reads the configuration, opens the node, serves until it is told to stop. */
import { describeError } from "../base/failure.ts";
import { version } from "../base/version.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import type { Node } from "../core/node.ts";
import { createApp } from "../http/app.ts";
import { defaultJsonLimits } from "../logical/json.ts";
import { InmemStorage } from "../storage/inmem.ts";
import { Front } from "../system/node/front.ts";
import { assembleNode, createPlatform } from "./assemble.ts";
import { bringUpDev } from "./dev.ts";
import { createLogger, isLogLevel, type LogSink } from "./logger.ts";

/** Runs a server; resolves with the exit code once it has stopped. */
export async function runServer(options: ServerOptions): Promise<number> {
  const level = options.log.level ?? "info";
  const sink: LogSink = {
    level: isLogLevel(level) ? level : "info",
    json: options.log.format === "json",
    write: (line) => console.error(line),
  };
  const platform = createPlatform(createLogger(sink));
  const dev = options.dev;
  if (dev === undefined) throw new Error("not a dev server");
  const node = assembleNode(platform, {
    physical: new InmemStorage(),
    storageType: "inmem",
    haEnabled: false,
    clusterName: "",
    addresses: { api: `http://${dev.listenAddress}`, cluster: "" },
    defaultLeaseTtl: 2764800,
    maxLeaseTtl: 2764800,
    cacheEntries: 131072,
    raftIndexes: () => ({}),
  });
  const keys = await bringUpDev(node, dev);
  const server = listen(node, dev.listenAddress);
  console.log(`==> Holdfast server v${version}\n\nUnseal Key: ${keys.unsealKey}`);
  console.log(`Root Token: ${keys.rootToken}\n`);
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.resolve());
  }
  await stop.promise;
  await server.shutdown().catch((error) => platform.log.warn(describeError(error)));
  await node.seal();
  return 0;
}

function listen(node: Node, address: string): Deno.HttpServer<Deno.NetAddr> {
  const colon = address.lastIndexOf(":");
  const { random, log } = node.platform;
  const front = new Front(node);
  const limits = {
    maxRequestSize: 32 * 1024 * 1024,
    readTimeoutMs: 30_000,
    maxTokenHeaderSize: 8192,
    json: defaultJsonLimits,
  };
  const app = createApp({ handler: front, limits, random, log });
  return Deno.serve({
    hostname: address.slice(0, colon),
    port: Number(address.slice(colon + 1)),
    onListen: () => {},
  }, (request, info) =>
    app.fetch(request, {
      connection: {
        get remoteAddress() {
          return info.remoteAddr.hostname;
        },
        get remotePort() {
          return info.remoteAddr.port;
        },
      },
    }));
}
