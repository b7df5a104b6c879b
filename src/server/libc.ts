/**
 * What the C library knows and Deno does not tell: sockets by file descriptor, unix datagrams and
 * resource limits. Linux only; names, numbers and layouts are those of the man7 pages.
 */

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  /** glibc's own; the size of what may be kept at the top. */
  malloc_trim: { parameters: ["usize"], result: "i32", nonblocking: true, optional: true },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

export type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/**
 * glibc, then musl by its two names. A bare name is searched by the loader and needs the permission
 * for every library; the paths serve a process that was given one of them.
 */
const NAMES = [
  "libc.so.6",
  "libc.so",
  `libc.musl-${Deno.build.arch}.so.1`,
  `/usr/lib/${Deno.build.arch}-linux-gnu/libc.so.6`,
  "/usr/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
];

let opened: Libc | null | undefined;

/** The C library, or undefined where there is none that is known or none may be called. */
export function openLibc(): Libc | undefined {
  if (opened === undefined) opened = find() ?? null;
  return opened ?? undefined;
}

function find(): Libc | undefined {
  if (Deno.build.os !== "linux") return undefined;
  for (const path of NAMES) {
    if (Deno.permissions.querySync({ name: "ffi", path }).state !== "granted") continue;
    try {
      return Deno.dlopen(path, SYMBOLS).symbols;
    } catch (error) {
      // Not of this name; without any, listeners fall back to Node's HTTP.
      if (!(error instanceof Error)) throw error;
    }
  }
  return undefined;
}

const CLOCK_MONOTONIC = 1;
const RLIMIT_NOFILE = 7;

/** Microseconds of the clock that service managers compare. */
export function monotonicMicroseconds(libc: Libc): bigint {
  const time = new BigInt64Array(2);
  libc.clock_gettime(CLOCK_MONOTONIC, new Uint8Array(time.buffer));
  return (time[0] ?? 0n) * 1_000_000n + (time[1] ?? 0n) / 1000n;
}

export interface DescriptorLimit {
  /** What the process has now. */
  readonly soft: number;
  /** What it may give itself. */
  readonly hard: number;
}

export function descriptorLimit(libc: Libc): DescriptorLimit {
  const limit = new BigUint64Array(2);
  libc.getrlimit(RLIMIT_NOFILE, new Uint8Array(limit.buffer));
  return { soft: Number(limit[0] ?? 0n), hard: Number(limit[1] ?? 0n) };
}

/** Every connection is a descriptor: takes all that the process may have. */
export function raiseDescriptorLimit(libc: Libc): void {
  const { hard } = descriptorLimit(libc);
  const limit = new BigUint64Array([BigInt(hard), BigInt(hard)]);
  libc.setrlimit(RLIMIT_NOFILE, new Uint8Array(limit.buffer));
}
