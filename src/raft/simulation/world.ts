/** What all parts of one simulated run share. */
import type { Message } from "../consensus/messages.ts";
import type { PlacedConfiguration } from "../consensus/core.ts";
import type { Raft } from "../consensus/raft.ts";
import type { Coverage } from "./coverage.ts";
import type { Striking } from "./nemesis.ts";
import type { Promises } from "./promises.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** A number from 0 to below `bound`. */
export type Draw = (bound: number) => number;

/** A fault of the program that is planted from outside, to see that it is found. */
export interface Plant {
  readonly name: string;
  /** What leaves a node in place of a message. */
  readonly send?: (message: Message, raft: Raft, draw: Draw) => readonly Message[];
  /** What reaches a node in place of a message. */
  readonly receive?: (message: Message) => Message;
  /** What a node sends besides, after it has taken a message. */
  readonly react?: (message: Message, raft: Raft) => readonly Message[];
  /** What has to go wrong for it to show, where that is rare. */
  readonly strikes?: readonly Striking[];
  /** Milliseconds by which the disk says too early that something is durable. */
  readonly diskLiesMs?: number;
  /** By how much a leader trusts its lease too long. */
  readonly leaseFactor?: number;
  /** The memberships that a node finds when it starts. */
  readonly boot?: (found: readonly PlacedConfiguration[]) => readonly PlacedConfiguration[];
}

/** What the nodes of any kind of cluster, its network and its faults need. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly draw: Draw;
  readonly coverage: Coverage;
  /** Tells the story of the run. */
  readonly tell: (line: string) => void;
  /** Ends the run. */
  readonly fail: (error: Error) => void;
}

export interface World extends Surroundings {
  readonly promises: Promises;
  readonly plant: Plant | undefined;
}
