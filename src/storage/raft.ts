/** The integrated storage, as the rooms above know it. */
import { openRaftStorage, type RaftStorage } from "../raft/mod.ts";
import type { Storage } from "./storage.ts";

export { openRaftStorage, type RaftStorage };

/** The compiler proves that it keeps the contract. */
type Keeps<T extends Storage> = T;
export type IntegratedStorage = Keeps<RaftStorage>;
