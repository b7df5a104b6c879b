/** The port at which other nodes of the cluster knock; each protocol has one who answers. */
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import { StorageError } from "../errors.ts";
import {
  type ClusterTls,
  type Endpoint,
  FORWARDING_PROTOCOL,
  RAFT_PROTOCOL,
} from "./cluster_tls.ts";
import { FrameSocket } from "./frame_socket.ts";

const CONNECTIONS_MAX = 1024;
const HANDSHAKE_MS = 5000;
const FAREWELL_MS = 500;

export type Answerer = (connection: FrameSocket) => void;

export class ClusterPort {
  readonly #servers: Server[] = [];
  readonly #open = new Set<FrameSocket>();
  readonly #answerers = new Map<string, Answerer>();
  readonly #log: Logger;

  readonly #clock: Clock;
  #isClosing = false;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Who takes the connections of a protocol; those that are open end where nobody does. */
  answer(protocol: string, answerer: Answerer): void {
    this.#answerers.set(protocol, answerer);
  }

  /** Throws `StorageError` where an address is taken. */
  async listen(endpoints: readonly Endpoint[], tls: ClusterTls): Promise<void> {
    for (const endpoint of endpoints) this.#servers.push(await this.#listen(endpoint, tls));
  }

  /** Connections that come from now on are proved by another key; those there are stay. */
  useTls(tls: ClusterTls): void {
    for (const server of this.#servers) server.setSecureContext(secureContext(tls));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    for (const connection of this.#open) connection.end();
    // Who does not close its side, a paused node for instance, is not waited for.
    const cancel = this.#clock.after(FAREWELL_MS, () => {
      for (const connection of this.#open) connection.destroy();
    });
    await Promise.all(
      this.#servers.splice(0).map((server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        })
      ),
    );
    cancel();
  }

  #listen({ host, port }: Endpoint, tls: ClusterTls): Promise<Server> {
    const server = createServer({
      ...secureContext(tls),
      handshakeTimeout: HANDSHAKE_MS,
    }, (socket) => this.#take(socket));
    server.maxConnections = CONNECTIONS_MAX;
    server.on("tlsClientError", (error: Error) => {
      this.#log.debug("a stranger knocked at the cluster port", { error: error.message });
    });
    return new Promise((resolve, reject) => {
      const where = `${host}:${port}`;
      server.once("error", (cause: Error) => {
        reject(new StorageError(`the cluster port ${where}: ${cause.message}`, { cause }));
      });
      server.listen(port, host === "" ? "::" : host, () => {
        server.on("error", (error: Error) => {
          this.#log.error("the cluster port failed", { address: where, error: error.message });
        });
        resolve(server);
      });
    });
  }

  #take(socket: TLSSocket): void {
    const protocol = socket.alpnProtocol;
    const answerer = typeof protocol === "string" ? this.#answerers.get(protocol) : undefined;
    const connection = new FrameSocket(socket);
    // One that was still proving itself as the port closed would be waited for as long as it stays.
    const isWelcome = socket.authorized && !this.#isClosing;
    if (!isWelcome || answerer === undefined) return connection.close();
    this.#open.add(connection);
    connection.closed.then(() => this.#open.delete(connection));
    answerer(connection);
  }
}

function secureContext({ certificate, key, trusted }: ClusterTls) {
  return {
    cert: certificate,
    key,
    ca: [...trusted],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2" as const,
    ALPNProtocols: [RAFT_PROTOCOL, FORWARDING_PROTOCOL],
  };
}
