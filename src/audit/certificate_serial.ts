/** The number of a client certificate, as entries name it. */
import { X509Certificate } from "node:crypto";

/** In decimal; undefined for bytes that are no certificate. */
export function certificateSerial(der: Uint8Array): string | undefined {
  try {
    return BigInt(`0x${new X509Certificate(der).serialNumber}`).toString();
  } catch (error) {
    // The listener has verified it; what a forwarding proxy claims need not be one.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
