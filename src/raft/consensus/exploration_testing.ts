/**
 * Goes through all interleavings of a small group: every message may arrive before or after every
 * other or never, and nodes stand for election, propose and restart in between. A state is what the
 * nodes are and which messages are under way; it is looked at once however it came about. Answers
 * to heartbeats are left out: without ticks and reads they change nothing.
 */
import { strict as assert } from "node:assert";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { EntryType } from "../log_entry.ts";
import { Cluster, type Member } from "./cluster_testing.ts";
import type { Message } from "./messages.ts";
import type { RoleName } from "./raft.ts";

export interface ExplorationBounds {
  /** Elections that are begun, so terms. */
  readonly elections: number;
  /** Proposals, beside the entry that begins each term. */
  readonly proposals: number;
  readonly restarts: number;
  /** Milliseconds after which it is given up. */
  readonly timeMs: number;
  /** What a node sends in place of a message: a planted fault. */
  readonly alter?: (message: Message) => Message;
}

export interface Exploration {
  readonly states: number;
  /** Whether there was nothing left within the bounds. */
  readonly isComplete: boolean;
  /** States in which both terms had a leader, and in which entries of both were committed. */
  readonly secondLeaders: number;
  readonly commits: number;
  /** States in which an entry gave way to another. */
  readonly overwritten: number;
}

type Input = "stand" | "propose" | "restart" | Message;

/** A node after what it was given. */
interface NodeState {
  readonly number: number;
  readonly inputs: readonly Input[];
  readonly next: Map<string, Step>;
  readonly term: number;
  readonly role: RoleName;
  readonly commit: number;
  /** Its log, each entry as text. */
  readonly log: readonly string[];
}

interface Step {
  readonly to: NodeState;
  /** Numbers of the messages that it sent. */
  readonly sent: readonly number[];
}

interface GroupState {
  readonly nodes: readonly NodeState[];
  /** Numbers of the messages under way, in order. */
  readonly network: readonly number[];
  readonly elections: number;
  readonly proposals: number;
  readonly restarts: number;
}

const IDS = ["a", "b", "c"];

export class Explorer {
  readonly #bounds: ExplorationBounds;
  readonly #messages: Message[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #nodes = new Map<string, NodeState>();
  readonly #seen = new Set<string>();
  #secondLeaders = 0;
  #commits = 0;
  #overwritten = 0;

  constructor(bounds: ExplorationBounds) {
    this.#bounds = bounds;
  }

  /** Throws where a promise is broken in any state. */
  explore(): Exploration {
    const end = performance.now() + this.#bounds.timeMs;
    const nodes = IDS.map((id) => this.#play(id, []).to);
    const queue: GroupState[] = [
      { nodes, network: [], elections: 0, proposals: 0, restarts: 0 },
    ];
    let isComplete = true;
    for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
      if ((this.#seen.size & 1023) === 0 && performance.now() > end) {
        isComplete = false;
        break;
      }
      for (const next of this.#successors(state)) {
        const key = `${next.nodes.map(({ number }) => number)}|${next.network}`;
        if (this.#seen.has(key)) continue;
        this.#seen.add(key);
        this.#check(state, next);
        queue.push(next);
      }
    }
    return {
      states: this.#seen.size,
      isComplete,
      secondLeaders: this.#secondLeaders,
      commits: this.#commits,
      overwritten: this.#overwritten,
    };
  }

  *#successors(state: GroupState): Generator<GroupState> {
    const { nodes, network, elections, proposals, restarts } = state;
    const bounds = this.#bounds;
    for (const [at, node] of nodes.entries()) {
      // The third only votes: whatever it could do the others do under another name.
      if (elections < bounds.elections && at < 2 && node.role !== "leader") {
        yield this.#give({ ...state, elections: elections + 1 }, at, "stand");
      }
      if (proposals < bounds.proposals && node.role === "leader") {
        yield this.#give({ ...state, proposals: proposals + 1 }, at, "propose");
      }
      if (restarts < bounds.restarts && node.inputs.length > 0) {
        yield this.#give({ ...state, restarts: restarts + 1 }, at, "restart");
      }
    }
    for (const [i, number] of network.entries()) {
      const message = this.#messages[number];
      if (message === undefined || network[i - 1] === number) continue;
      const rest = network.filter((_, each) => each !== i);
      yield this.#give({ ...state, network: rest }, IDS.indexOf(message.to), message, number);
    }
  }

  #give(state: GroupState, at: number, input: Input, number?: number): GroupState {
    const node = state.nodes[at];
    if (node === undefined) throw new Error("no such node");
    const name = typeof input === "string" ? input : `${number}`;
    let step = node.next.get(name);
    if (step === undefined) {
      step = this.#play(IDS[at] ?? "", [...node.inputs, input]);
      node.next.set(name, step);
    }
    const { to, sent } = step;
    const nodes = state.nodes.map((each, i) => i === at ? to : each);
    const network = [...state.network, ...sent].filter((each) => this.#matters(each, nodes));
    return { ...state, nodes, network: network.sort((a, b) => a - b) };
  }

  /** An answer that comes too late never changes anything any more. */
  #matters(number: number, nodes: readonly NodeState[]): boolean {
    const message = this.#messages[number];
    const node = nodes[IDS.indexOf(message?.to ?? "")];
    if (message === undefined || node === undefined) return false;
    const { type } = message;
    if (type !== "voteReply" && type !== "appendReply") return true;
    if (message.term !== node.term) return message.term > node.term;
    return node.role === (type === "voteReply" ? "candidate" : "leader");
  }

  /** A node that was given all of this, and what it sent after the last. */
  #play(id: string, inputs: readonly Input[]): Step {
    const cluster = new Cluster(IDS, () => 0);
    const member = cluster.get(id);
    for (const input of inputs) {
      cluster.network = [];
      if (input === "restart") {
        cluster.crash(id);
        cluster.restart(id);
        // Nodes that are the same from here on may have had other pasts; `#check` sees those.
        cluster.committed.length = 0;
      } else if (input === "propose") {
        member.raft.propose([{ type: EntryType.changes, payload: utf8("x") }]);
      } else if (input === "stand") {
        member.raft.step({ type: "timeoutNow", from: "test", to: id, term: member.raft.term });
      } else member.raft.step(input);
      cluster.work(id);
    }
    const { raft, disk } = member;
    const messages = cluster.network.filter(({ type }) => type !== "heartbeatReply");
    const sent = messages.map((message) => {
      return this.#numberOf(this.#bounds.alter?.(message) ?? message);
    });
    const key = keyOf(member, inputs);
    const known = this.#nodes.get(key);
    if (known !== undefined) return { to: known, sent };
    const to = {
      number: this.#nodes.size,
      inputs,
      next: new Map<string, Step>(),
      term: raft.term,
      role: raft.role,
      commit: raft.commitIndex,
      log: disk.entries.map(({ term, type, payload }) => `${term} ${type} ${fromUtf8(payload)}`),
    };
    this.#nodes.set(key, to);
    return { to, sent };
  }

  /** Equal messages have one number. */
  #numberOf(message: Message): number {
    const key = JSON.stringify(message);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#messages.length);
    return this.#messages.push(message) - 1;
  }

  #check(before: GroupState, { nodes }: GroupState): void {
    const leaders = nodes.filter(({ role }) => role === "leader");
    const terms = new Set(leaders.map(({ term }) => term));
    assert.equal(terms.size, leaders.length, "one leader a term");
    const [longest] = nodes.toSorted((a, b) => b.commit - a.commit);
    if (longest === undefined) return;
    for (const { log, commit } of nodes) {
      const both = Math.min(commit, longest.commit);
      assert.deepEqual(log.slice(0, both), longest.log.slice(0, both), "state machine safety");
    }
    const newest = Math.max(...leaders.map(({ term }) => term));
    for (const { term, log } of leaders) {
      // One of an earlier term may not know yet what was committed after it.
      if (term !== newest) continue;
      const isOlder = nodes.some((node) => node.term > term);
      if (isOlder) continue;
      const committed = longest.log.slice(0, longest.commit);
      assert.deepEqual(log.slice(0, longest.commit), committed, "leader completeness");
    }
    if (leaders.some(({ term }) => term > 1)) this.#secondLeaders += 1;
    if (longest.commit > 1) this.#commits += 1;
    const isCut = nodes.some(({ log }, i) => {
      return before.nodes[i]?.log.some((entry, at) => log[at] !== entry) === true;
    });
    if (isCut) this.#overwritten += 1;
  }
}

/**
 * What decides all that a node will do, while no time passes: what is on its disk, its commit index
 * and its role; of a candidate its votes; of a leader what it was given in its term, in order, as
 * that is what it knows of the others.
 */
function keyOf({ id, raft, disk, applied }: Member, inputs: readonly Input[]): string {
  const began = inputs.findLastIndex((input) => input === "restart") + 1;
  const known = inputs.slice(began).filter((input) => {
    if (raft.role === "leader" && input === "propose") return true;
    if (typeof input === "string" || input.term !== raft.term) return false;
    if (raft.role === "candidate") return input.type === "voteReply";
    return raft.role === "leader" && input.type === "appendReply";
  });
  if (raft.role === "candidate") {
    known.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  }
  const { term, leader, role, commitIndex } = raft;
  const log = disk.entries.map((entry) => [entry.term, entry.type]);
  const memory = [term, leader, role, commitIndex, applied, raft.leadingFrom];
  return JSON.stringify([id, disk.hard, log, memory, known]);
}
