/** The integrated storage, as the rooms above know it. */
import { openRaftStorage, type RaftStorage, type RaftStorageOptions } from "../raft/mod.ts";
import type { Storage } from "./storage.ts";

export { openRaftStorage, type RaftStorage, type RaftStorageOptions };

/** The compiler proves that it keeps the contract. */
type Keeps<T extends Storage> = T;
export type IntegratedStorage = Keeps<RaftStorage>;
