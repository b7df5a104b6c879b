/** Whose request it is behind a proxy: X-Forwarded-For, heeded from trusted proxies only. */
import { badRequest } from "../base/failure.ts";
import type { Connection } from "../logical/request.ts";

export interface ForwardedSettings {
  /** Whether an address is that of a trusted proxy. */
  readonly isAuthorized: (address: string) => boolean;
  /** Entries to skip, counted from the last. */
  readonly hopSkips: number;
  readonly rejectNotAuthorized: boolean;
  readonly rejectNotPresent: boolean;
  /** Header in which the proxy hands on the client's certificate; "" for none. */
  readonly certificateHeader: string;
  readonly certificateDecoders: readonly CertificateDecoder[];
}

export type CertificateDecoder = "BASE64" | "DER" | "URL";

/**
 * The connection as the proxy saw it. Throws a 400 where the header is missing, comes from somebody
 * else or is too short, unless the settings let such requests through as they are.
 */
export function forwardedConnection(
  headers: Headers,
  connection: Connection,
  settings: ForwardedSettings,
): Connection {
  const header = headers.get("x-forwarded-for");
  if (header === null) {
    if (!settings.rejectNotPresent) return connection;
    throw badRequest(
      "missing x-forwarded-for header and configured to reject when not present",
    );
  }
  if (!settings.isAuthorized(connection.remoteAddress)) {
    if (!settings.rejectNotAuthorized) return connection;
    throw badRequest(
      "client address not authorized for x-forwarded-for and configured to reject connection",
    );
  }
  const chain = header.split(",").map((item) => item.trim());
  const { hopSkips } = settings;
  const remoteAddress = chain[chain.length - 1 - hopSkips];
  if (remoteAddress === undefined) {
    throw badRequest(
      `malformed x-forwarded-for configuration or request, hops to skip (${hopSkips}) would skip ` +
        `before earliest chain link (chain length ${chain.length})`,
    );
  }
  const certificate = forwardedCertificate(headers, settings);
  return {
    remoteAddress,
    remotePort: connection.remotePort,
    ...(certificate === undefined ? {} : { peerCertificates: [certificate] }),
  };
}

/** DER of the certificate that the proxy verified. */
function forwardedCertificate(
  headers: Headers,
  { certificateHeader, certificateDecoders }: ForwardedSettings,
): Uint8Array | undefined {
  const text = certificateHeader === "" ? null : headers.get(certificateHeader);
  if (text === null || text === "") return undefined;
  let value: string | Uint8Array = text;
  try {
    for (const decoder of certificateDecoders) value = decode(value, decoder);
  } catch (cause) {
    throw badRequest(`the header ${certificateHeader} holds no certificate`, cause);
  }
  if (typeof value === "string") return new TextEncoder().encode(value);
  return value;
}

function decode(value: string | Uint8Array, decoder: CertificateDecoder): string | Uint8Array {
  const text = typeof value === "string" ? value : new TextDecoder().decode(value);
  if (decoder === "URL") return decodeURIComponent(text);
  if (decoder === "BASE64") return Uint8Array.fromBase64(text);
  const pem = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/.exec(text);
  if (pem?.[1] === undefined) return value;
  return Uint8Array.fromBase64(pem[1].replace(/\s+/g, ""));
}
