/** Connects to another node's cluster port, with both sides proved. */
import { connect } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { StorageError } from "../errors.ts";
import { type ClusterTls, parseEndpoint } from "./cluster_tls.ts";
import { FrameSocket } from "./frame_socket.ts";

const CONNECT_MS = 3000;

/** Throws `StorageError` where there is no such node, or it is of another cluster. */
export function dial(
  address: string,
  protocol: string,
  { certificate, key, serverName, trusted }: ClusterTls,
  clock: Clock,
): Promise<FrameSocket> {
  const at = parseEndpoint(address);
  if (at === undefined) return Promise.reject(new StorageError(`"${address}" is no address`));
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...at,
      servername: serverName,
      ca: [...trusted],
      cert: certificate,
      key,
      ALPNProtocols: [protocol],
      minVersion: "TLSv1.2",
    });
    const fail = (reason: string) => {
      cancel();
      socket.destroy();
      reject(new StorageError(`connecting to ${address}: ${reason}`));
    };
    const cancel = clock.after(CONNECT_MS, () => fail("no answer"));
    const onError = (error: Error) => fail(error.message);
    socket.on("error", onError);
    socket.once("secureConnect", () => {
      cancel();
      if (!socket.authorized || socket.alpnProtocol !== protocol) {
        return fail("it does not prove to be of this cluster");
      }
      const framed = new FrameSocket(socket);
      socket.off("error", onError);
      resolve(framed);
    });
  });
}
