/**
 * The leader's part in a replacement of everything (`replacement.ts`): the content is staged here,
 * then spread to the others, all of it while the group goes on, and then put in use by one entry of
 * the log. Of one term: who led meanwhile may have written what this leader has never seen.
 */
import { describeError } from "../base/failure.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { sleep } from "../base/clock.ts";
import { encodeConfiguration, isQuorum } from "./consensus/configuration.ts";
import type { NodeId } from "./consensus/messages.ts";
import type { Raft } from "./consensus/raft.ts";
import {
  NotLeaderError,
  OutcomeUnknownError,
  ReplacementUnderWayError,
  StorageError,
  TooFewNodesError,
} from "./errors.ts";
import type { Replacement } from "./replacement.ts";
import type { StoredEntry } from "./state.ts";
import type { Settings } from "./store_options.ts";
import type { Transport } from "./transport.ts";

/** Between attempts to give the content of a replacement to those who lack it. */
const STAGE_AGAIN_MS = 1000;

export interface StagingParts {
  readonly nodeId: NodeId;
  readonly settings: Settings;
  readonly raft: Raft;
  readonly replacement: Replacement;
  readonly transport: () => Transport | undefined;
  /** Whether this node leads and has everything applied that was ever committed. */
  readonly isActive: () => boolean;
  readonly appliedIndex: () => number;
  /** Resolves once a condition holds. Rejects where the storage has failed. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

/** Other content on its way into the place of everything. Must be closed. */
export interface ContentReplacement {
  /**
   * Stages it on this node, which need not lead yet, in the place of what it staged before. Nothing of it counts, and all goes on meanwhile;
   * a value need only stay as it is until the next entry is asked for. `goOn` is called now and then,
   * and throws where it is not wanted any more.
   */
  stage(
    entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>,
    goOn?: () => void,
  ): Promise<void>;
  /** Gives what is staged to the others of the group. Rejects where too few have it then. */
  spread(): Promise<void>;
  /**
   * Puts what was spread in the place of everything, on every node, all or nothing, whatever dies
   * when. What is written until then is replaced with the rest, and what was not committed before
   * is refused. Resolves when it is done on a majority and here. Throws `NotLeaderError` where
   * this node does not lead any more, `OutcomeUnknownError` where leadership was lost on the way.
   */
  use(): Promise<void>;
  /** Drops what was staged and not put in use. */
  close(): Promise<void>;
}

export class Staging {
  readonly #parts: StagingParts;
  #isUnderWay = false;
  #isOffering = false;

  constructor(parts: StagingParts) {
    this.#parts = parts;
  }

  /** Throws `ReplacementUnderWayError` until the one before is closed. */
  begin(): ContentReplacement {
    if (this.#isUnderWay) {
      throw new ReplacementUnderWayError("all content is being replaced by other already");
    }
    this.#isUnderWay = true;
    const { replacement, settings } = this.#parts;
    const id = settings.random.uuid();
    let spreadIn: number | undefined;
    return {
      stage: async (entries, goOn) => {
        await replacement.drop(id);
        await replacement.stage(id, entries, { goOn });
      },
      spread: async () => {
        spreadIn = await this.#spread(id);
      },
      use: () => this.#use(id, spreadIn),
      close: async () => {
        try {
          await replacement.drop(id);
        } finally {
          this.#isUnderWay = false;
        }
      },
    };
  }

  /** Returns the term in which it was done. */
  async #spread(id: string): Promise<number> {
    const { raft, replacement, nodeId } = this.#parts;
    this.#mustLead();
    if (!replacement.has(id)) throw new StorageError("the staged content is gone");
    const { term, configuration } = raft;
    const others = configuration.members.filter((member) => member.id !== nodeId);
    const staged = await Promise.all(others.map((to) => this.#stageAt(to.id, id)));
    const hasIt = new Set([nodeId, ...others.filter((_, i) => staged[i]).map((to) => to.id)]);
    if (!isQuorum(raft.configuration, (id) => hasIt.has(id))) {
      throw new TooFewNodesError(
        "too few nodes could be given the new content; nothing was changed",
      );
    }
    return term;
  }

  async #use(id: string, term: number | undefined): Promise<void> {
    const { raft, replacement, until, appliedIndex } = this.#parts;
    this.#mustLead();
    if (raft.term !== term) throw new NotLeaderError("another term has begun");
    const index = await replacement.propose(id, term);
    await until(() => appliedIndex() >= index || raft.term !== term);
    if (appliedIndex() < index || raft.term !== term) {
      throw new OutcomeUnknownError("leadership was lost before the replacement was committed");
    }
  }

  #mustLead(): void {
    if (this.#parts.isActive()) return;
    throw new NotLeaderError("this node does not lead its group");
  }

  /** Gives a node the content of a replacement to come. Returns whether it has it. */
  async #stageAt(to: NodeId, id: string): Promise<boolean> {
    const { replacement, raft, nodeId, settings } = this.#parts;
    const transport = this.#parts.transport();
    if (transport === undefined) return false;
    const { head, pinned } = replacement.read(id);
    try {
      const configuration = fromUtf8(encodeConfiguration(raft.configuration));
      const whole = { ...head, from: nodeId, term: raft.term, configuration, staged: id };
      return await transport.sendState(to, whole, pinned.entries());
    } catch (error) {
      settings.log.warn("the new content did not get there", { to, error: describeError(error) });
      return false;
    } finally {
      pinned.close();
    }
  }

  /**
   * Who lacks the content can't take the entry that names it: a leader sees to it that everybody has
   * it. To be called now and then.
   */
  offer(): void {
    const { replacement, raft, settings, nodeId } = this.#parts;
    const { pending } = replacement;
    if (raft.role !== "leader" || pending === undefined || this.#isOffering) return;
    const lacking = raft.configuration.members.filter(({ id }) =>
      id !== nodeId && (raft.matchOf(id) ?? 0) < pending.index
    );
    this.#isOffering = true;
    Promise.all(lacking.map(({ id }) => this.#stageAt(id, pending.id)))
      .then(() => sleep(settings.clock, STAGE_AGAIN_MS))
      .catch((error) => settings.log.warn("staging broke off", { error: describeError(error) }))
      .finally(() => {
        this.#isOffering = false;
      });
  }
}
