/** Tells the service manager how the node is: sd_notify(3), one datagram a state. */
import { utf8 } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { monotonicMicroseconds, openLibc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_NOSIGNAL = 0x4000;

/** The environment's part in it. */
export interface NotifyEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  readonly WATCHDOG_USEC?: string | undefined;
  readonly WATCHDOG_PID?: string | undefined;
}

export class ServiceManager {
  readonly #address: Uint8Array<ArrayBuffer> | undefined;

  constructor(readonly environment: NotifyEnvironment) {
    this.#address = socketAddress(environment.NOTIFY_SOCKET ?? "");
  }

  ready(status: string): void {
    this.#send(`READY=1\nSTATUS=${status}\nMAINPID=${Deno.pid}\n`);
  }

  /** Followed by `ready` once everything that can change has. */
  reloading(): void {
    const libc = openLibc();
    if (libc === undefined) return;
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds(libc)}\nSTATUS=reloading\n`);
  }

  stopping(): void {
    this.#send("STOPPING=1\nSTATUS=stopping\n");
  }

  /** Shown by `systemctl status`. */
  status(text: string): void {
    this.#send(`STATUS=${text}\n`);
  }

  /** Says that the event loop turns, twice as often as asked for. Returns what ends it. */
  startWatchdog(clock: Clock): () => void {
    const { WATCHDOG_USEC = "", WATCHDOG_PID = String(Deno.pid) } = this.environment;
    const intervalMs = Number(WATCHDOG_USEC) / 2000;
    const wanted = this.#address !== undefined && intervalMs > 0 &&
      WATCHDOG_PID === String(Deno.pid);
    if (!wanted) return () => {};
    let cancel = () => {};
    const beat = () => {
      this.#send("WATCHDOG=1\n");
      cancel = clock.after(intervalMs, beat);
    };
    beat();
    return () => cancel();
  }

  /** Best effort, as the interface is meant: nobody need be listening. */
  #send(text: string): void {
    const libc = this.#address === undefined ? undefined : openLibc();
    if (libc === undefined || this.#address === undefined) return;
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const message = utf8(text);
    libc.sendto(
      fd,
      message,
      BigInt(message.length),
      MSG_NOSIGNAL,
      this.#address,
      this.#address.length,
    );
    libc.close(fd);
  }
}

/** A `sockaddr_un`: a path, or a name in the abstract namespace that is written with an "@". */
function socketAddress(name: string): Uint8Array<ArrayBuffer> | undefined {
  if (!name.startsWith("/") && !name.startsWith("@")) return undefined;
  const path = utf8(name);
  if (path.length > 107) return undefined;
  const isAbstract = path[0] === 0x40;
  if (isAbstract) path[0] = 0;
  const address = new Uint8Array(2 + path.length + (isAbstract ? 0 : 1));
  address[0] = AF_UNIX;
  address.set(path, 2);
  return address;
}
