/**
 * Stories: a line is a command, a line that starts with "=" says what has to be true then. Voters
 * are "a b c"; "settle" delivers messages until none is left.
 */
import { strict as assert } from "node:assert";
import { utf8 } from "../../base/bytes.ts";
import { EntryType } from "../log_entry.ts";
import { Cluster } from "./cluster_testing.ts";

class Story {
  #cluster = new Cluster([], () => 0);
  readonly #cut = new Set<string>();

  play(text: string): void {
    for (const line of text.split("\n").map((each) => each.trim()).filter(Boolean)) {
      const [command = "", ...words] = line.split(/\s+/);
      if (command === "=") this.#expect(line, words);
      else this.#do(line, command, words);
    }
  }

  #do(line: string, command: string, words: readonly string[]): void {
    const cluster = this.#cluster;
    const [id = "", argument = ""] = words;
    switch (command) {
      case "voters":
        this.#cluster = new Cluster(words, () => 0);
        return;
      case "campaign":
        cluster.get(id).raft.campaign();
        return cluster.work(id);
      case "propose":
        cluster.get(id).raft.propose([{ type: EntryType.changes, payload: utf8(argument) }]);
        return cluster.work(id);
      case "tick":
        for (let i = 0; i < Number(argument); i++) cluster.tick(id);
        return;
      case "settle":
        return this.#settle();
      case "cut":
        this.#cut.add(id);
        return;
      case "heal":
        return this.#cut.clear();
      case "crash":
        return cluster.crash(id);
      case "restart":
        return cluster.restart(id);
      case "forget":
        cluster.crash(id);
        cluster.forget(id);
        return cluster.restart(id);
      case "compact":
        return cluster.compact(id);
      case "transfer":
        cluster.get(id).raft.transferTo(argument);
        return cluster.work(id);
      case "read":
        cluster.get(id).raft.readIndex(Number(argument));
        return cluster.work(id);
      case "join":
        return cluster.join(id);
      case "members":
        return this.#members(id, words.slice(1));
      default:
        throw new Error(`no such command: ${line}`);
    }
  }

  /** "members a a b c? d?": a proposes these, those with "?" as learners. */
  #members(leader: string, words: readonly string[]): void {
    const members = words.map((word) => {
      return { id: word.replace("?", ""), address: "", voter: !word.endsWith("?") };
    });
    this.#cluster.get(leader).raft.reconfigure({ members });
    this.#cluster.work(leader);
  }

  #settle(): void {
    const { network } = this.#cluster;
    for (let n = 0; n < 10_000; n++) {
      const message = network.shift();
      if (message === undefined) return;
      const isCut = this.#cut.has(message.from) || this.#cut.has(message.to);
      if (isCut) this.#cluster.lose(message);
      else this.#cluster.deliver(message);
    }
    throw new Error("the cluster does not settle");
  }

  #expect(line: string, [id = "", ...facts]: readonly string[]): void {
    const { raft, applied, reads } = this.#cluster.get(id);
    const is: Record<string, string> = {
      role: raft.role,
      term: `${raft.term}`,
      commit: `${raft.commitIndex}`,
      last: `${raft.last.index}`,
      applied: `${applied}`,
      leader: raft.leader ?? "none",
      reads: reads.map(({ context, index }) => `${context}@${index ?? "lost"}`).join(",") || "none",
    };
    for (const fact of facts) {
      const [name = "", expected] = fact.split("=");
      assert.equal(`${name}=${is[name]}`, `${name}=${expected}`, line);
    }
  }
}

const stories: Record<string, string> = {
  "a group of one leads at once and commits by itself": `
    voters a
    campaign a
    = a role=leader term=1 commit=1
    propose a x
    = a commit=2 applied=2
    read a 7
    = a reads=7@2
    crash a
    restart a
    = a role=follower commit=0 last=2
    campaign a
    = a role=leader term=2 commit=3 applied=3`,
  "three elect one, who commits with a majority": `
    voters a b c
    campaign a
    settle
    = a role=leader term=1 commit=1
    = b role=follower leader=a
    tick a 2
    settle
    = c commit=1
    cut c
    propose a x
    settle
    = a commit=2
    = b commit=2
    = c commit=1
    heal
    tick a 2
    settle
    = c commit=2 applied=2`,
  "who has forgotten its log votes for nobody until it is there again": `
    voters a b c
    campaign a
    settle
    cut c
    propose a x
    settle
    = a commit=2
    crash a
    forget b
    = b last=0 term=1
    heal
    tick c 30
    settle
    = c role=candidate term=1
    tick b 30
    settle
    = b role=follower
    restart a
    tick a 20
    settle
    = a role=leader
    tick a 2
    settle
    = b last=3 commit=3 applied=3
    = c last=3 commit=3`,
  "a leader that goes on notices that a follower's log is gone": `
    voters a b c
    campaign a
    settle
    propose a x
    settle
    compact a
    forget b
    propose a y
    settle
    tick a 2
    settle
    tick a 2
    settle
    = b last=3 commit=3 applied=3`,
  "without a majority nothing is committed, and the leader notices": `
    voters a b c
    campaign a
    settle
    cut a
    propose a lost
    settle
    = a role=leader commit=1 last=2
    tick a 20
    = a role=follower leader=none`,
  "pre-vote keeps whoever was cut off from disturbing the others": `
    voters a b c
    campaign a
    settle
    cut c
    tick c 50
    settle
    = c term=1
    heal
    tick a 2
    settle
    = c term=1 leader=a
    = a role=leader term=1`,
  "an entry that was never committed gives way": `
    voters a b c
    campaign a
    settle
    cut a
    propose a one
    propose a two
    settle
    = a last=3
    tick b 10
    settle
    = b role=candidate term=1
    tick c 10
    settle
    = c role=leader term=2
    propose c three
    settle
    heal
    tick c 4
    settle
    = a role=follower leader=c last=3 commit=3
    = c commit=3`,
  "a leader that lost its majority proves no read": `
    voters a b c
    campaign a
    settle
    read a 1
    settle
    = a reads=1@1
    cut a
    read a 2
    settle
    = a reads=1@1
    tick a 20
    = a reads=1@1,2@lost`,
  "a follower asks the leader where a read is linearizable": `
    voters a b c
    campaign a
    settle
    read b 5
    settle
    = b reads=5@1`,
  "leadership is handed over without waiting": `
    voters a b c
    campaign a
    settle
    propose a x
    transfer a b
    settle
    = b role=leader term=2
    = a role=follower`,
  "a learner catches up by a snapshot and is promoted": `
    voters a
    campaign a
    propose a x
    propose a y
    compact a
    join b
    members a a b?
    settle
    = b last=4 commit=4 applied=4
    members a a b
    settle
    = a commit=5
    cut b
    propose a z
    settle
    = a commit=5 last=6`,
  "a leader that is removed commits that and steps down": `
    voters a b c
    campaign a
    settle
    members a b c
    settle
    = a role=follower commit=2
    tick b 10
    settle
    tick c 10
    settle
    = c role=leader term=2`,
};

for (const [name, text] of Object.entries(stories)) {
  Deno.test(name, () => new Story().play(text));
}
