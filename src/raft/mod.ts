/**
 * Raft over Deno KV files. `openRaftStorage` is the one way in.
 * @module
 */
export { openRaftStorage } from "./open.ts";
export type { RaftStorage, RaftStorageStats } from "./raft_storage.ts";
export type { RaftStorageOptions } from "./store_options.ts";
