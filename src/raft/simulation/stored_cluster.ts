/** Machines with clients that have registers and tokens. */
import { NotLeaderError, OutcomeUnknownError } from "../errors.ts";
import type { StoredEntry } from "../state.ts";
import { utf8 } from "../../base/bytes.ts";
import type { OwnStrikes } from "./nemesis.ts";
import { type Operation, RegisterHistory } from "./register_history.ts";
import { diskStrikes, StoredMachines, type StoredShape } from "./stored_machines.ts";
import type { StoredNode } from "./stored_node.ts";
import { type Token, TokenHistory, tokenKeys } from "./token_history.ts";
import type { Surroundings } from "./world.ts";

/** Faults of disks and of what is stored. */
export const storageStrikes = [...diskStrikes, "replacement"] as const;

const REGISTERS = ["x", "y"];
const THINK_MS = 80;

interface Kept {
  readonly key: string;
  readonly start: number;
}

export class StoredCluster extends StoredMachines {
  readonly history = new RegisterHistory();
  readonly tokens = new TokenHistory();
  /** Entries whose write was acknowledged. */
  readonly acknowledged: Kept[] = [];
  #isBusy = true;
  #written = 0;

  constructor(world: Surroundings, shape: StoredShape) {
    super(world, shape);
    world.time.after(THINK_MS, () => this.#operate());
  }

  /** Clients ask for nothing more. */
  rest(): void {
    this.#isBusy = false;
  }

  /** Reads every register and every token through every node. */
  readAll(): void {
    for (const node of this.nodes.values()) {
      for (const key of REGISTERS) this.#read(node, key);
      for (const token of this.tokens.tokens.slice(-20)) this.#lookUp(node, token);
    }
  }

  readonly strikes: OwnStrikes<StoredNode> = {
    ...this.diskStrikes,
    replacement: (node) => this.#replace(node),
  };

  #operate(): void {
    const { draw, time } = this.world;
    if (!this.#isBusy) return;
    time.after(1 + draw(THINK_MS), () => this.#operate());
    const nodes = [...this.nodes.values()];
    const leaders = nodes.filter(({ isUp, role }) => isUp && role === "leader");
    const from = leaders.length > 0 && draw(2) === 0 ? leaders : nodes;
    const node = from[draw(from.length)], key = REGISTERS[draw(REGISTERS.length)];
    if (node === undefined || key === undefined || !node.isUp) return;
    const token = this.tokens.tokens[draw(this.tokens.tokens.length)];
    void node.look();
    switch (draw(8)) {
      case 0:
        return this.#create(node);
      case 1:
        return token === undefined ? undefined : this.#revoke(node, token);
      case 2:
        return token === undefined ? undefined : this.#lookUp(node, token);
      case 3:
      case 4:
        return this.#read(node, key);
      default:
        return this.#write(node, key);
    }
  }

  #read(node: StoredNode, key: string): void {
    const { time, coverage } = this.world;
    const { process } = node;
    const operation = this.history.begin({ kind: "read", key, start: time.now, value: "" });
    process.run(() => {
      node.read([key]).then(([value = ""]) => {
        if (!process.isAlive) return;
        operation.value = value;
        operation.end = time.now;
      }, (error) => {
        coverage.mark("read refused");
        node.refused(error);
      });
    });
  }

  #write(node: StoredNode, key: string): void {
    const { time, draw } = this.world;
    const value = `${++this.#written}`;
    const kept = { key: `w/${value}`, start: time.now };
    const operation = this.history.begin({ kind: "write", key, start: time.now, value });
    const length = [10, 10, 10, 10, 300, 300, 5000, 70_000][draw(draw(4) === 0 ? 8 : 7)] ?? 10;
    const changes = [{ key, value }, { key: kept.key, value: "v".repeat(length) }];
    this.#change(node, changes, () => {
      operation.end = time.now;
      this.acknowledged.push(kept);
    }, () => this.history.forget(operation));
  }

  #create(node: StoredNode): void {
    const token = this.tokens.begin();
    const changes = tokenKeys(token.id).map((key) => ({ key, value: token.id }));
    this.#change(node, changes, () => {
      token.createdAt = this.world.time.now;
    }, () => {});
  }

  #revoke(node: StoredNode, token: Token): void {
    const { time, coverage } = this.world;
    token.revokeFrom ??= time.now;
    // Only what is there for certain is gone for certain: a creation may still come.
    const isThere = token.createdAt !== undefined;
    const changes = tokenKeys(token.id).map((key) => ({ key, value: null }));
    this.#change(node, changes, () => {
      coverage.mark("token revoked");
      if (isThere) token.revokedAt ??= time.now;
    }, () => {});
  }

  #lookUp(node: StoredNode, token: Token): void {
    const { time, coverage, fail } = this.world;
    const { process } = node;
    const start = time.now;
    process.run(() => {
      node.read(tokenKeys(token.id)).then((found) => {
        if (!process.isAlive) return;
        if (token.revokedAt !== undefined) coverage.mark("revoked token looked up");
        this.tokens.found(token, start, found.map((value) => value !== undefined));
      }).catch((error) => error.name === "BrokenPromise" ? fail(error) : node.refused(error));
    });
  }

  #change(
    node: StoredNode,
    changes: readonly { readonly key: string; readonly value: string | null }[],
    done: () => void,
    notDone: () => void,
  ): void {
    const { coverage } = this.world;
    const { process } = node;
    process.run(() => {
      node.write(changes).then(() => {
        if (!process.isAlive) return;
        coverage.mark("write acknowledged");
        done();
      }, (error) => {
        if (error instanceof NotLeaderError) {
          coverage.mark("write refused");
          notDone();
        } else if (error instanceof OutcomeUnknownError) {
          coverage.mark("write of unknown outcome");
        } else node.refused(error);
      });
    });
  }

  /** The restore of a snapshot: other content, in which the registers have values of their own. */
  #replace(node: StoredNode): void {
    const { time, coverage, tell } = this.world;
    const { storage, process } = node;
    if (storage === undefined || node.role !== "leader") return;
    const value = `r${++this.#written}`;
    const writes: Operation[] = REGISTERS.map((key) =>
      this.history.begin({ kind: "write", key, start: time.now, value })
    );
    const entries = REGISTERS.map((key): StoredEntry => ({ key, value: utf8(value) }));
    tell(`${node.id} replaces everything by ${value}`);
    // Whatever is said of it, it may happen at any time.
    this.tokens.replacedAt = Infinity;
    process.run(() => {
      storage.restore(entries).then(() => {
        if (!process.isAlive) return;
        tell(`everything is ${value}`);
        coverage.mark("content replaced");
        for (const write of writes) write.end = time.now;
      }, (error) => {
        if (error instanceof OutcomeUnknownError) coverage.mark("replacement of unknown outcome");
        node.refused(error);
      });
    });
  }
}
