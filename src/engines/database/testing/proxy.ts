/** A line to a server of which a test lets something go wrong. */

/** What becomes of bytes on their way. */
export type Fate = "pass" | "lose";

export class Proxy {
  /** Accepts and never answers. */
  silent = false;
  /** Sees what a client sends, before the server does. */
  onRequest: (text: string) => Fate = () => "pass";
  /** Sees what the server answers, before the client does. */
  onAnswer: (text: string) => Fate = () => "pass";
  readonly #listener: Deno.Listener;
  readonly #open = new Set<Deno.Conn>();

  constructor(readonly port: number, readonly target: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    void this.#serve();
  }

  async #serve(): Promise<void> {
    for await (const client of this.#listener) {
      this.#open.add(client);
      if (!this.silent) void this.#pass(client);
    }
  }

  async #pass(client: Deno.Conn): Promise<void> {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
    this.#open.add(server);
    // A broken connection is what this is for.
    const ended = () => {};
    const requests = watched((text) => this.onRequest(text));
    const answers = watched((text) => this.onAnswer(text));
    void client.readable.pipeThrough(requests).pipeTo(server.writable).catch(ended);
    void server.readable.pipeThrough(answers).pipeTo(client.writable).catch(ended);
  }

  /** Ends the connections there are. */
  cut(): void {
    for (const one of this.#open) {
      try {
        one.close();
      } catch (error) {
        // Its other end was first.
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    this.#open.clear();
  }

  close(): void {
    this.#listener.close();
    this.cut();
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

function watched(look: (text: string) => Fate): TransformStream<Bytes, Bytes> {
  const decoder = new TextDecoder();
  return new TransformStream({
    transform(bytes, controller) {
      if (look(decoder.decode(bytes)) === "pass") controller.enqueue(bytes);
    },
  });
}
