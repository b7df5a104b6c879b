/** What was asked for on the command line and is not in this build. */
import type { ServerOptions } from "../cli/server_options.ts";

/** One sentence each; a server that ignored them would not be what its owner takes it for. */
export function unsupported({ recovery, dev }: ServerOptions): string[] {
  const found: string[] = [];
  if (recovery) found.push("recovery mode is not in this build");
  if (dev?.threeNode === true) found.push("-dev-three-node is not in this build");
  if (dev?.autoSeal === true) found.push("-dev-auto-seal is not in this build");
  return found;
}
