/** Calls of another node's API, before there is a cluster connection to it. */
import type { IncomingMessage } from "node:http";
import { Buffer } from "node:buffer";
import { badRequest, Failure } from "../base/failure.ts";

/** Where a node's API is, and how to trust it. */
export interface JoinTarget {
  /** URL. */
  readonly address: string;
  /** PEM; "" for the system's. */
  readonly caCert: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** Name the certificate must have; "" for that of the URL. */
  readonly serverName: string;
}

const TIMEOUT_MS = 15_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

export type Answer = ReadonlyMap<string, unknown>;

/** Posts JSON; resolves with the `data` of the answer. Throws `Failure` with what it said. */
export async function postApi(
  target: JoinTarget,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  let url: URL;
  try {
    url = new URL(`/v1/${path}`, target.address);
  } catch (cause) {
    throw badRequest(`"${target.address}" is no URL`, cause);
  }
  const { status, text } = await send(target, url, JSON.stringify(body));
  const answer = fieldsOf(text);
  if (status >= 400) {
    const errors = answer.get("errors");
    const told = Array.isArray(errors) ? errors.map(String).join("; ") : "";
    throw new Failure(status < 500 ? 400 : 503, `${url.host} answered ${status}: ${told}`);
  }
  return new Map(Object.entries(Object(answer.get("data"))));
}

function fieldsOf(text: string): Answer {
  try {
    const parsed: unknown = text === "" ? {} : JSON.parse(text);
    return new Map(Object.entries(Object(parsed)));
  } catch (cause) {
    throw new Failure(502, "the other node's answer is not JSON", { cause });
  }
}

async function send(target: JoinTarget, url: URL, body: string) {
  const { request } = url.protocol === "http:"
    ? await import("node:http")
    : await import("node:https");
  const payload = Buffer.from(body);
  return await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const fail = (cause: Error) => {
      reject(new Failure(503, `${url.host} can't be reached: ${cause.message}`, { cause }));
    };
    const outgoing = request(url, {
      method: "POST",
      timeout: TIMEOUT_MS,
      headers: { "content-type": "application/json", "content-length": payload.length },
      ...(target.caCert === "" ? {} : { ca: target.caCert }),
      ...(target.clientCert === "" ? {} : { cert: target.clientCert, key: target.clientKey }),
      ...(target.serverName === "" ? {} : { servername: target.serverName }),
    }, (incoming: IncomingMessage) => {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      incoming.on("data", (part: Uint8Array) => {
        bytes += part.length;
        if (bytes > ANSWER_BYTES_MAX) outgoing.destroy(new Error("the answer is too long"));
        else parts.push(part);
      });
      incoming.on("error", fail);
      incoming.on("end", () => {
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") });
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
    outgoing.on("error", fail);
    outgoing.end(payload);
  });
}
