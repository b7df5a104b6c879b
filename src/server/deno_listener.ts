/** HTTP by Deno.serve. */
import { describeError } from "../base/failure.ts";
import type { Door } from "./door.ts";
import { formatHostPort, type HostPort } from "./addresses.ts";
import { type HttpListener, ListenError } from "./listener.ts";

export function denoListener(at: HostPort, door: Door): HttpListener {
  const abort = new AbortController();
  const server = serve(at, door, abort.signal);
  return {
    address: formatHostPort({ host: at.host, port: server.addr.port }),
    async stop(graceMs) {
      const timer = setTimeout(() => abort.abort(), graceMs);
      await server.shutdown();
      clearTimeout(timer);
    },
  };
}

function serve(at: HostPort, door: Door, signal: AbortSignal): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(
      { hostname: at.host === "" ? "0.0.0.0" : at.host, port: at.port, signal, onListen() {} },
      (request, info) =>
        door(request, {
          get remoteAddress() {
            return info.remoteAddr.hostname;
          },
          get remotePort() {
            return info.remoteAddr.port;
          },
        }),
    );
  } catch (cause) {
    const where = formatHostPort(at);
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new ListenError(`${where} is in use by another process`, { cause });
    }
    throw new ListenError(`can't listen on ${where}: ${describeError(cause)}`, { cause });
  }
}
