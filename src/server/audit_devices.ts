/** Audit devices on the real file system and the real sockets. */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { type AuditFiles, fileDevices, type OpenedFile } from "../audit/file_device.ts";
import type { DeviceOpener } from "../audit/device.ts";
import { type Connect, type Link, socketDevices } from "../audit/socket_device.ts";
import { syslogDevices } from "../audit/syslog_device.ts";
import type { Clock } from "../base/clock.ts";

/** Where the system's log listens: the usual place, and those of the BSDs. */
const logSockets = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/** By type. */
export function auditDevices(clock: Clock): Readonly<Record<string, DeviceOpener>> {
  return {
    file: fileDevices(auditFiles, clock),
    socket: socketDevices(connect, clock),
    syslog: syslogDevices(() => connectToLog(logSockets), clock, Deno.pid),
  };
}

export const auditFiles: AuditFiles = {
  stdout: { write: (bytes) => Deno.stdout.write(bytes), close() {} },
  open: openAppending,
  async identityOf(path) {
    try {
      return identity(await Deno.stat(path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  },
  rename: Deno.rename,
  names: async (folder) => (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name),
  remove: (path) => Deno.remove(path),
  async usedShare(path) {
    const { blocks, bavail, bfree } = await statfs(dirname(path));
    const used = blocks - bfree;
    // What only root may use counts as used, as df(1) counts.
    return used + bavail === 0 ? 0 : used / (used + bavail);
  },
};

function identity({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

async function openAppending(path: string, mode: number | undefined): Promise<OpenedFile> {
  const file = await Deno.open(path, {
    append: true,
    create: true,
    ...(mode === undefined ? {} : { mode }),
  });
  try {
    if (mode !== undefined) await Deno.chmod(path, mode);
    const info = await file.stat();
    return {
      write: (bytes) => file.write(bytes),
      close: () => file.close(),
      size: info.size,
      since: info.size === 0 ? Date.now() : info.birthtime?.getTime() ?? Date.now(),
      identity: identity(info),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

const connect: Connect = async (type, address) => {
  if (type === "unix") return stream(await Deno.connect({ transport: "unix", path: address }));
  const { hostname, port } = hostAndPort(address);
  if (type === "tcp") return stream(await Deno.connect({ hostname, port }));
  const family = hostname.includes(":") ? "::" : "0.0.0.0";
  const socket = Deno.listenDatagram({ transport: "udp", hostname: family, port: 0 });
  return datagrams(socket, { transport: "udp", hostname, port });
};

/** Throws for what is neither `host:port` nor `[host]:port`. */
export function hostAndPort(address: string): { hostname: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(address) ?? [];
  if (port === undefined) {
    throw new Error("an address is a host and a port, such as 127.0.0.1:9090");
  }
  return { hostname: bracketed ?? (plain || "127.0.0.1"), port: Number(port) };
}

/** A unix datagram socket needs a name of its own; one in the abstract namespace leaves no file. */
export async function connectToLog(paths: readonly string[]): Promise<Link> {
  for (const path of paths) {
    if (await auditFiles.identityOf(path) === undefined) continue;
    const own = `\0holdfast-${Deno.pid}-${crypto.randomUUID()}`;
    const socket = Deno.listenDatagram({ transport: "unixpacket", path: own });
    return datagrams(socket, { transport: "unixpacket", path });
  }
  throw new Error(`there is none of ${paths.join(", ")}`);
}

function datagrams(socket: Deno.DatagramConn, to: Deno.Addr): Link {
  return {
    isClosed: false,
    write: async (bytes) => {
      const sent = await socket.send(bytes, to);
      if (sent !== bytes.length) throw new Error(`${sent} of ${bytes.length} bytes were taken`);
    },
    close: () => socket.close(),
  };
}

/** Reads along, since only a read tells that the other side has gone. */
function stream(conn: Deno.Conn): Link {
  let isClosed = false;
  const end = () => {
    isClosed = true;
  };
  const ended = async () => {
    const buffer = new Uint8Array(1024);
    while (await conn.read(buffer) !== null);
  };
  ended().then(end, end);
  return {
    get isClosed() {
      return isClosed;
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    },
    close: () => conn.close(),
  };
}
