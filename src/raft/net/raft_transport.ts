/** Carries what a group says over the cluster port: a link to each peer, a connection a state. */
import { type Bytes, fromUtf8, utf8 } from "../../base/bytes.ts";
import type { Cancel, Clock } from "../../base/clock.ts";
import { describeError } from "../../base/failure.ts";
import type { Logger } from "../../base/log.ts";
import type { Configuration } from "../consensus/configuration.ts";
import type { Message, NodeId } from "../consensus/messages.ts";
import { StorageError } from "../errors.ts";
import { PROTOCOL, UnknownFormatError } from "../formats.ts";
import type { StoredEntry } from "../state.ts";
import type { StateHead, Transport } from "../transport.ts";
import { type ClusterTls, RAFT_PROTOCOL } from "./cluster_tls.ts";
import { dial } from "./dial.ts";
import type { Frame, FrameSocket } from "./frame_socket.ts";
import { Kind } from "./kinds.ts";
import { decodeMessage, encodeMessage, object, text } from "./message_codec.ts";
import { commonProtocol, decodeFacts, encodeFacts, type NodeFacts } from "./node_facts.ts";
import { PeerLink } from "./peer_link.ts";
import { decodeChunk, decodeHead, encodeChunks, encodeHead } from "./state_codec.ts";

/** Who is told of what comes in. */
export interface Receiver {
  receive(message: Message): void;
  receiveState(head: StateHead, entries: AsyncIterable<StoredEntry>): Promise<boolean>;
  /** A node says where it can be reached now. */
  moved(id: NodeId, address: string): void;
  /** A node says what it is. Answers with a sentence where it is not to be talked to. */
  introduced(id: NodeId, facts: NodeFacts): string | undefined;
  /** Whether this node leads and knows that another is no member any more. */
  isRemoved(id: NodeId): boolean;
  /** A leader says that this node is none. */
  removed(): void;
}

export interface RaftTransportParts {
  readonly nodeId: NodeId;
  /** Where this node's cluster port is, for others. */
  readonly address: string;
  /** As it is now; it changes while the node runs. */
  readonly tls: () => ClusterTls;
  /** What is said to the others of this node. */
  readonly facts: NodeFacts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who has made a connection, by its own word. */
interface Caller {
  id: NodeId;
  isRefused: boolean;
}

/** How long a connection stays open that is of no use. */
const REFUSED_MS = 1000;
/** After so long without a word in the middle of a state whoever sends it is gone. */
const STATE_IDLE_MS = 60_000;

interface Peer {
  address: string;
  link: PeerLink;
}

export class RaftTransport implements Transport {
  readonly #parts: RaftTransportParts;
  readonly #receiver: Receiver;
  readonly #peers = new Map<NodeId, Peer>();
  /** Where nodes say they are that may not be in the membership yet. */
  readonly #heardOf = new Map<NodeId, string>();

  /** Why nodes were refused, as it was told last. */
  readonly #refusals = new Map<NodeId, string>();

  constructor(parts: RaftTransportParts, receiver: Receiver) {
    this.#parts = parts;
    this.#receiver = receiver;
  }

  setPeers({ members }: Configuration): void {
    const others = members.filter(({ id }) => id !== this.#parts.nodeId);
    const ids = new Set(others.map(({ id }) => id));
    // A node that joins knows nobody until the log tells; whom it heard of it goes on answering.
    for (const [id, { link }] of members.length === 0 ? [] : this.#peers) {
      if (ids.has(id)) continue;
      link.close();
      this.#peers.delete(id);
    }
    for (const { id, address } of others) if (address !== "") this.#reach(id, address);
  }

  send(message: Message): void {
    const known = this.#peers.get(message.to);
    if (known === undefined) {
      const address = this.#heardOf.get(message.to);
      if (address !== undefined) this.#reach(message.to, address);
    }
    this.#peers.get(message.to)?.link.send(encodeMessage(message));
  }

  async sendState(
    to: NodeId,
    head: StateHead,
    entries: AsyncIterable<StoredEntry>,
  ): Promise<boolean> {
    const address = this.#peers.get(to)?.address;
    if (address === undefined) throw new StorageError(`nobody knows where ${to} is`);
    const { tls, clock } = this.#parts;
    const connection = await dial(address, RAFT_PROTOCOL, tls(), clock);
    try {
      const taken = new Promise<boolean>((resolve) => {
        connection.onFrame(({ kind, payload }) => {
          if (kind === Kind.stateTaken) resolve(payload[0] === 1);
        });
      });
      // Who needs nothing of it says so before its end, and takes no more.
      let isAnswered = false;
      const answered = taken.then(() => {
        isAnswered = true;
      });
      connection.send(Kind.stateHead, encodeHead(head));
      for await (const chunk of encodeChunks(entries)) {
        if (isAnswered) break;
        connection.send(Kind.stateChunk, chunk);
        await Promise.race([connection.drained(), answered]);
        if (connection.isClosed) throw new StorageError("the connection was cut");
      }
      connection.send(Kind.stateEnd);
      const cut = connection.closed.then((): boolean => {
        throw new StorageError("the connection was cut");
      });
      return await Promise.race([taken, cut]);
    } finally {
      connection.close();
    }
  }

  /** Takes a connection that another node has made. */
  accept(connection: FrameSocket): void {
    let takeState: ((frame: Frame) => void) | undefined;
    const caller: Caller = { id: "", isRefused: false };
    connection.onFrame((frame) => {
      if (caller.isRefused) return;
      try {
        if (takeState !== undefined) takeState(frame);
        else if (frame.kind === Kind.stateHead) {
          takeState = this.#acceptState(connection, frame.payload);
        } else this.#take(connection, frame, caller);
      } catch (error) {
        if (error instanceof UnknownFormatError) return this.#refuse(connection, caller, error);
        this.#parts.log.warn("a peer is not understood", { error: describeError(error) });
        connection.close();
      }
    });
  }

  close(): void {
    for (const { link } of this.#peers.values()) link.close();
    this.#peers.clear();
  }

  #take(connection: FrameSocket, { kind, payload }: Frame, caller: Caller): void {
    if (kind === Kind.message) this.#receiver.receive(decodeMessage(payload));
    else if (kind === Kind.ping) {
      const isRemoved = caller.id !== "" && this.#receiver.isRemoved(caller.id);
      connection.send(isRemoved ? Kind.removed : Kind.pong);
    } else if (kind === Kind.hello) {
      const parsed: unknown = JSON.parse(fromUtf8(payload));
      const fields = object(parsed);
      const id = text(fields, "id"), address = text(fields, "address");
      caller.id = id;
      const facts = decodeFacts(fields);
      const protocol = commonProtocol(PROTOCOL, facts);
      const refusal = typeof protocol === "string"
        ? protocol
        : this.#receiver.introduced(id, facts);
      if (refusal !== undefined) return this.#refuse(connection, caller, new Error(refusal));
      this.#heardOf.set(id, address);
      const known = this.#peers.get(id);
      if (known !== undefined && address !== "") this.#reach(id, address);
      this.#receiver.moved(id, address);
    }
  }

  /** Says why, to both sides' operators, and ends the connection. */
  #refuse(connection: FrameSocket, caller: Caller, { message }: Error): void {
    caller.isRefused = true;
    connection.send(Kind.refused, utf8(message));
    // Not at once: a node that does not understand the answer comes back at once.
    this.#parts.clock.after(REFUSED_MS, () => connection.end());
    const peer = caller.id;
    if (this.#refusals.get(peer) === message) return;
    this.#refusals.set(peer, message);
    this.#parts.log.error("a peer is refused", { peer, error: message });
  }

  /** Chunks are taken from the network as fast as they are taken in. */
  #acceptState(connection: FrameSocket, payload: Bytes): (frame: Frame) => void {
    const head = decodeHead(payload);
    const incoming = new TransformStream<StoredEntry[]>(undefined, { highWaterMark: 16 });
    const writer = incoming.writable.getWriter();
    let isOver = false;
    let hasEnded = false;
    let cancelIdle: Cancel = () => {};
    const giveUp = () => {
      cancelIdle();
      void writer.abort(new StorageError("cut off")).catch(() => undefined);
    };
    connection.closed.then(giveUp);
    // A machine that lost its power says nothing of it, and what waits for its state would for ever.
    const awaitNext = () => {
      cancelIdle();
      if (isOver || hasEnded || connection.isClosed) return;
      cancelIdle = this.#parts.clock.after(STATE_IDLE_MS, () => connection.close());
    };
    awaitNext();
    const entries = async function* () {
      for await (const chunk of incoming.readable) yield* chunk;
    };
    this.#receiver.receiveState(head, entries()).then(async (taken) => {
      isOver = true;
      connection.send(Kind.stateTaken, new Uint8Array([taken ? 1 : 0]));
      cancelIdle();
      // Where it was of no use nobody has begun to read, and what still comes is thrown away. (To abort
      // the writer would wait for what it writes.)
      if (!incoming.readable.locked) await incoming.readable.cancel();
    }).catch((error) => {
      this.#parts.log.warn("a state was not taken in", { error: describeError(error) });
      connection.close();
    });
    return (frame) => {
      if (isOver) return;
      hasEnded = frame.kind === Kind.stateEnd;
      const done = frame.kind === Kind.stateChunk
        ? writer.write(decodeChunk(frame.payload))
        : frame.kind === Kind.stateEnd
        ? writer.close()
        : Promise.resolve();
      cancelIdle();
      connection.holdBackFor(done);
      done.then(awaitNext, () => isOver || connection.close());
    };
  }

  #reach(id: NodeId, address: string): void {
    const known = this.#peers.get(id);
    if (known?.address === address) return;
    known?.link.close();
    const { tls, clock, log, nodeId, facts } = this.#parts;
    const link = new PeerLink({
      peer: id,
      dial: () => dial(address, RAFT_PROTOCOL, tls(), clock),
      hello: () => {
        const own = { id: nodeId, address: this.#parts.address, ...encodeFacts(facts) };
        return utf8(JSON.stringify(own));
      },
      removed: () => this.#receiver.removed(),
      refused: (reason) => log.error("a peer refuses this node", { peer: id, error: reason }),
      clock,
      log,
    });
    this.#peers.set(id, { address, link });
  }
}
