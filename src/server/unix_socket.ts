/** The file of a unix socket: who may connect is who may write to it. */
import { ListenError } from "./listener.ts";

export interface SocketFileSettings {
  readonly path: string;
  /** Octal text; undefined for what the process's umask leaves. */
  readonly mode: string | undefined;
  /** Names or numbers. */
  readonly user: string | undefined;
  readonly group: string | undefined;
}

/** Removes a socket file that nobody listens on. Throws `ListenError` where somebody does. */
export async function clearSocketFile(path: string): Promise<void> {
  try {
    const info = await Deno.lstat(path);
    if (info.isSocket !== true) throw new ListenError(`${path} is there and no socket`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (await answers(path)) {
    throw new ListenError(`can't listen on ${path}: it is in use by another process`);
  }
  await Deno.remove(path);
}

async function answers(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

/** Gives the file its mode, owner and group. Throws `ListenError`. */
export async function guardSocketFile(settings: SocketFileSettings): Promise<void> {
  const { path, mode, user, group } = settings;
  const uid = await idOf("user", "/etc/passwd", user);
  const gid = await idOf("group", "/etc/group", group);
  if (uid !== null || gid !== null) await Deno.chown(path, uid, gid);
  if (mode === undefined || mode === "") return;
  if (!/^0?[0-7]{3,4}$/.test(mode)) throw new ListenError(`socket_mode "${mode}" is no octal mode`);
  await Deno.chmod(path, Number.parseInt(mode, 8));
}

/** A number as it is; a name by the file that lists them. */
async function idOf(
  what: string,
  file: string,
  name: string | undefined,
): Promise<number | null> {
  if (name === undefined || name === "") return null;
  if (/^\d+$/.test(name)) return Number(name);
  for (const line of (await Deno.readTextFile(file)).split("\n")) {
    const [known, , id] = line.split(":");
    if (known === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new ListenError(`there is no ${what} "${name}" in ${file}`);
}
