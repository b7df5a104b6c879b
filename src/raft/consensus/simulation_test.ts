/**
 * Whole clusters under a seeded adversary: messages lost, doubled, reordered and held back,
 * partitions, crashes in the middle of writing, compaction, membership changes, transfers. The
 * cluster checks Raft's promises after every step; in the end it must heal and agree.
 */
import { strict as assert } from "node:assert";
import { utf8 } from "../../base/bytes.ts";
import { EntryType } from "../log_entry.ts";
import { seeded } from "../testing.ts";
import { Cluster } from "./cluster_testing.ts";
import { type Configuration, voters } from "./configuration.ts";
import type { Message } from "./messages.ts";

type Draw = (bound: number) => number;

class Adversary {
  readonly ids: string[];
  readonly cluster: Cluster;
  /** Who can't talk to whom, one way. */
  #cut = new Set<string>();
  #proposed = 0;

  constructor(readonly draw: Draw, size: number) {
    this.ids = ["a", "b", "c", "d", "e"].slice(0, size);
    this.cluster = new Cluster(this.ids, draw);
  }

  step(): void {
    const { draw, cluster } = this;
    const id = this.ids[draw(this.ids.length)] ?? "a";
    const choice = draw(1000);
    if (choice < 350) { for (const each of this.ids) cluster.tick(each); }
    else if (choice < 800) this.#deliverOne();
    else if (choice < 880) this.#propose(id);
    else if (choice < 900) this.#cutSome(id);
    else if (choice < 915) this.#cut.clear();
    else if (choice < 925) cluster.crash(id);
    else if (choice < 955) this.#restartAll();
    else if (choice < 970) cluster.compact(id);
    else if (choice < 980) this.#reconfigure(id);
    else if (choice < 990) this.#transfer(id);
    else if (cluster.get(id).isUp) {
      cluster.get(id).raft.readIndex(draw(1000));
      cluster.work(id);
    }
  }

  /** Everything works from now on: there has to be one leader and one log. */
  heal(): void {
    const { cluster } = this;
    this.#cut.clear();
    this.#restartAll();
    for (let i = 0; i < 400; i++) {
      for (const id of this.ids) cluster.tick(id);
      for (let n = 0; n < 2000 && cluster.network.length > 0; n++) {
        const message = cluster.network.shift();
        if (message !== undefined) cluster.deliver(message);
      }
      if (i % 50 === 20) { for (const id of this.ids) this.#propose(id); }
    }
    const [leader, ...others] = cluster.leaders();
    assert.ok(leader !== undefined && others.length === 0, "one leader after healing");
    const { raft } = cluster.get(leader);
    assert.equal(raft.commitIndex, raft.last.index, "everything is committed after healing");
    for (const { id } of raft.configuration.members) {
      assert.equal(cluster.get(id).applied, raft.commitIndex, `${id} caught up`);
    }
  }

  #deliverOne(): void {
    const { draw, cluster } = this;
    const { network } = cluster;
    if (network.length === 0) return;
    // Mostly in order, at times any.
    const at = draw(4) === 0 ? draw(network.length) : 0;
    const [message] = network.splice(at, 1);
    if (message === undefined) return;
    if (draw(20) === 0 || this.#cut.has(`${message.from}>${message.to}`)) {
      return cluster.lose(message);
    }
    if (draw(20) === 0) network.push(message);
    cluster.deliver(message, draw(60) === 0 ? draw(3) : Infinity);
    // What waits too long is lost, so that the adversary doesn't only test patience.
    if (network.length > 300) { for (const lost of network.splice(0, 100)) cluster.lose(lost); }
  }

  #propose(id: string): void {
    const { isUp, raft } = this.cluster.get(id);
    if (!isUp) return;
    raft.propose([{ type: EntryType.changes, payload: utf8(`${++this.#proposed}`) }]);
    this.cluster.work(id);
  }

  #cutSome(id: string): void {
    for (const other of this.ids) {
      if (this.draw(2) === 0) this.#cut.add(`${id}>${other}`);
      if (this.draw(2) === 0) this.#cut.add(`${other}>${id}`);
    }
  }

  #restartAll(): void {
    for (const id of this.ids) {
      if (this.cluster.get(id).isUp) continue;
      if (this.draw(4) === 0) this.#forget(id);
      this.cluster.restart(id);
    }
  }

  /** One node at a time, and only of three or more: with two gone nobody could be elected. */
  #forget(id: string): void {
    const members = [...this.cluster.members.values()];
    const isEnough = members.every(({ raft }) => voters(raft.configuration).length >= 3);
    const othersLack = members.some((each) => each.id !== id && this.cluster.lacks(each));
    if (isEnough && !othersLack) this.cluster.forget(id);
  }

  #reconfigure(id: string): void {
    const { isUp, raft } = this.cluster.get(id);
    if (!isUp || raft.role !== "leader") return;
    // Of two voters none may lack its log: without the other nobody could be elected.
    if ([...this.cluster.members.values()].some((each) => this.cluster.lacks(each))) return;
    const change = this.ids[this.draw(this.ids.length)] ?? "a";
    const { members } = raft.configuration;
    const others = members.filter((member) => member.id !== change);
    const voter = this.draw(3) > 0;
    const next: Configuration = this.draw(3) === 0 && others.length > 2
      ? { members: others }
      : { members: [...others, { id: change, address: "", voter }] };
    raft.reconfigure(next);
    this.cluster.work(id);
  }

  #transfer(id: string): void {
    const { isUp, raft } = this.cluster.get(id);
    if (!isUp) return;
    raft.transferTo(this.ids[this.draw(this.ids.length)] ?? "a");
    this.cluster.work(id);
  }
}

function lastMessages(messages: readonly Message[]): string {
  return messages.slice(-5).map((message) => JSON.stringify(message)).join("\n");
}

const isSlow = Deno.env.get("HOLDFAST_SLOW") === "1";
const seeds = isSlow ? 20_000 : 300;

Deno.test(`${seeds} clusters keep Raft's promises under faults and heal`, () => {
  let committed = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const adversary = new Adversary(seeded(seed), seed % 2 === 0 ? 3 : 5);
    try {
      for (let i = 0; i < 3000; i++) adversary.step();
      adversary.heal();
    } catch (error) {
      const { network } = adversary.cluster;
      throw new Error(`seed ${seed}\n${lastMessages(network)}`, { cause: error });
    }
    committed += adversary.cluster.committed.length;
  }
  assert.ok(committed > seeds * 20, `only ${committed} entries were committed`);
});
