/**
 * What the executable may do. Deno's permissions are a fence against mistakes (a path or an
 * argument that reaches where it should not), not against somebody who runs code in the process:
 * who may call the C library may do all that the user may. The unit's sandbox is the outer wall.
 */

const arches = ["x86_64", "aarch64"] as const;

/** Where distributions keep the two libraries that are called; nothing else can be opened. */
const libraries = ["libcrypto.so.3", "libc.so.6"].flatMap((name) => [
  ...arches.map((arch) => `/usr/lib/${arch}-linux-gnu/${name}`),
  `/usr/lib64/${name}`,
  `/usr/lib/${name}`,
]);

/**
 * Of the machine a node learns what sys/host-info and its own name are made of; nothing of users and
 * networks. It is written as what is denied, since profiles of the own process (sys/pprof) need a
 * part, the inspector, that can't be named alone; it opens no port.
 */
const notOfMachine = [
  "uid",
  "gid",
  "homedir",
  "username",
  "userInfo",
  "networkInterfaces",
  "getPriority",
  "setPriority",
];

/** Paths and addresses are the user's choice, and known only once the configuration is read. */
const anyFile = ["--allow-read", "--allow-write"];
const network = "--allow-net";
const environment = "--allow-env";

/** Never a question, never code from elsewhere, no configuration of Deno's lying about. */
export const common = [
  "--no-prompt",
  "--quiet",
  "--no-config",
  "--no-lock",
  "--no-remote",
  "--no-npm",
  "--cached-only",
  "--deny-import",
  "--unstable-kv",
  "--unstable-net",
];

/**
 * V8's nursery at a quarter of its default, and an old generation that may grow by three fifths
 * between two collections, not to several times its size. After reads, writes and logins a node
 * resides in less than the peer (scripts/bench: 253 MB against 332; 303 against 277 with twice of
 * both), for up to a sixth more processor time a write (binaries in turn, seven rounds).
 */
const v8 = ["--max-semi-space-size=4", "--heap-growing-percent=60"];

/** What V8 is told in a node. */
export const serverRuntime = [`--v8-flags=${v8.join(",")}`];

/** A node: no child processes, no libraries but two. */
export const server = [
  network,
  environment,
  ...anyFile,
  "--allow-sys",
  `--deny-sys=${notOfMachine.join(",")}`,
  `--allow-ffi=${libraries.join(",")}`,
];

/** A token helper is a program of the user's; a dev server stores its token with it. */
export const tokenHelper = ["--allow-run"];

/** The client: calls no library and learns nothing of the machine but where its user is at home. */
export const client = [
  network,
  environment,
  ...anyFile,
  "--allow-sys=homedir,hostname,uid",
  ...tokenHelper,
];

/** `operator diagnose` looks at what a node would use. */
export const operator = [...server, ...tokenHelper];

/** One set for all, where the executable can hold but one. */
export const everything = [...new Set([...operator, "--allow-sys"])]
  .filter((flag) => !/^--(allow|deny)-sys=/.test(flag));
