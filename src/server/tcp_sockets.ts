/** The process's accepted TCP sockets as the kernel sees them. */
import { addressKeyOfBytes } from "./address_key.ts";
import type { Libc } from "./libc.ts";

/** One accepted connection at one moment. */
export interface SocketFacts {
  /** Differs for every socket there ever was, unlike the descriptor. */
  readonly cookie: number;
  readonly fd: number;
  readonly localPort: number;
  /** Form of `addressKey`. */
  readonly remoteKey: string;
  readonly remotePort: number;
  /** Bytes of payload that came, and bytes that the other side has acknowledged. */
  readonly received: number;
  readonly acknowledged: number;
  /** Bytes that wait to be taken by the other side. */
  readonly pending: boolean;
}

export interface SocketTable {
  /** Connections accepted on these ports. */
  read(ports: ReadonlySet<number>): SocketFacts[];
  /** Ends a connection in both directions; its owner sees it closed. */
  cut(socket: SocketFacts): void;
  /** Of several sockets that listen on one address, the newest gets all connections from now on. */
  preferNewest(port: number, addressKey: string): void;
}

const SOL_SOCKET = 1;
const SO_COOKIE = 57;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const SHUT_RDWR = 2;
const AF_INET = 2;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const ESTABLISHED = 1;
const LISTEN = 10;
const CLOSE_WAIT = 8;
/** Offsets in `struct tcp_info`. */
const UNACKED = 24;
const BYTES_ACKED = 120;
const BYTES_RECEIVED = 128;
const NOTSENT_BYTES = 144;
/** Descriptors are handed out lowest first, so that new ones lie close above the known ones. */
const headroom = 2048;

interface Known {
  readonly cookie: number;
  readonly localPort: number;
  readonly remoteKey: string;
  readonly remotePort: number;
}

export class LinuxSocketTable implements SocketTable {
  readonly #libc: Libc;
  readonly #info = new Uint8Array(256);
  readonly #infoView = new DataView(this.#info.buffer);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  readonly #cookie = new Uint32Array(2);
  readonly #cookieBytes = new Uint8Array(this.#cookie.buffer);
  readonly #name = new Uint8Array(128);
  #known = new Map<number, Known>();
  /** Descriptors below it are looked at. */
  #top = headroom;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  read(ports: ReadonlySet<number>): SocketFacts[] {
    const known = new Map<number, Known>();
    const found: SocketFacts[] = [];
    let highest = 0;
    for (let fd = 3; fd < this.#top; fd++) {
      const state = this.#readInfo(fd);
      if (state !== ESTABLISHED && state !== CLOSE_WAIT) continue;
      const cookie = this.#readCookie(fd);
      const before = this.#known.get(fd);
      const names = before?.cookie === cookie ? before : this.#readNames(fd, cookie);
      if (names === undefined) continue;
      known.set(fd, names);
      highest = fd;
      this.#top = Math.max(this.#top, fd + headroom);
      if (!ports.has(names.localPort)) continue;
      const { localPort, remoteKey, remotePort } = names;
      found.push({
        cookie,
        fd,
        localPort,
        remoteKey,
        remotePort,
        received: this.#infoLong(BYTES_RECEIVED),
        acknowledged: this.#infoLong(BYTES_ACKED),
        pending: this.#infoView.getUint32(UNACKED, true) > 0 ||
          this.#infoView.getUint32(NOTSENT_BYTES, true) > 0,
      });
    }
    this.#known = known;
    this.#top = highest + headroom;
    return found;
  }

  cut({ fd, cookie }: SocketFacts): void {
    // The descriptor may be another's by now.
    if (this.#readCookie(fd) === cookie) this.#libc.shutdown(fd, SHUT_RDWR);
  }

  preferNewest(port: number, addressKey: string): void {
    const listening: number[] = [];
    for (let fd = 3; fd < this.#top; fd++) {
      if (this.#readInfo(fd) !== LISTEN) continue;
      this.#length[0] = this.#name.length;
      if (this.#libc.getsockname(fd, this.#name, this.#lengthBytes) !== 0) continue;
      const own = this.#socketAddress();
      if (own.port === port && own.key === addressKey) listening.push(fd);
    }
    const [any] = listening;
    if (any === undefined || listening.length < 2) return;
    // A classic BPF program of one instruction, "return the index of the last socket", and the
    // `struct sock_fprog` that points to it: socket(7), SO_ATTACH_REUSEPORT_CBPF.
    const code = new Uint8Array(8);
    const codeView = new DataView(code.buffer);
    codeView.setUint16(0, 0x06, true);
    codeView.setUint32(4, listening.length - 1, true);
    const program = new Uint8Array(16);
    const programView = new DataView(program.buffer);
    programView.setUint16(0, 1, true);
    programView.setBigUint64(
      8,
      BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(code))),
      true,
    );
    this.#libc.setsockopt(any, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program, program.length);
  }

  /** The state of a TCP socket, its facts in `#info`; undefined for what is none. */
  #readInfo(fd: number): number | undefined {
    this.#length[0] = this.#info.length;
    const result = this.#libc.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#info, this.#lengthBytes);
    return result === 0 ? this.#info[0] : undefined;
  }

  /** Below 2^53 for good: nobody sends petabytes over one connection. */
  #infoLong(at: number): number {
    const view = this.#infoView;
    return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** A counter of the kernel's, far below 2^53. */
  #readCookie(fd: number): number {
    this.#length[0] = 8;
    this.#libc.getsockopt(fd, SOL_SOCKET, SO_COOKIE, this.#cookieBytes, this.#lengthBytes);
    const [low = 0, high = 0] = this.#cookie;
    return low + high * 2 ** 32;
  }

  #readNames(fd: number, cookie: number): Known | undefined {
    this.#length[0] = this.#name.length;
    if (this.#libc.getsockname(fd, this.#name, this.#lengthBytes) !== 0) return undefined;
    const { port: localPort } = this.#socketAddress();
    this.#length[0] = this.#name.length;
    if (this.#libc.getpeername(fd, this.#name, this.#lengthBytes) !== 0) return undefined;
    const { key: remoteKey, port: remotePort } = this.#socketAddress();
    return { cookie, localPort, remoteKey, remotePort };
  }

  /** Out of a `sockaddr_in` or `sockaddr_in6`. */
  #socketAddress(): { key: string; port: number } {
    const name = this.#name;
    const port = ((name[2] ?? 0) << 8) | (name[3] ?? 0);
    const bytes = name[0] === AF_INET ? name.subarray(4, 8) : name.subarray(8, 24);
    return { key: addressKeyOfBytes(bytes), port };
  }
}
