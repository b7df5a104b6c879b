/** Shares in the forms they are handed out: hexadecimal and base64, in the clear or encrypted. */
import { type Bytes, toBase64, toHex, wipe } from "../base/bytes.ts";
import type { PgpKey } from "./pgp.ts";

export interface KeyOutput {
  readonly keys: readonly string[];
  readonly keysBase64: readonly string[];
  /** One a share, or null where the shares are in the clear. */
  readonly pgpFingerprints: readonly string[] | null;
}

/**
 * Prepares shares for their holders and wipes them. With PGP keys each share's hexadecimal text is
 * encrypted for its holder, and the two forms are those of the message.
 */
export async function outputShares(
  shares: readonly Bytes[],
  pgpKeys: readonly PgpKey[],
): Promise<KeyOutput> {
  try {
    const given: Bytes[] = [];
    for (const [i, share] of shares.entries()) {
      given.push(await pgpKeys[i]?.encrypt(toHex(share)) ?? share);
    }
    return {
      keys: given.map(toHex),
      keysBase64: given.map(toBase64),
      pgpFingerprints: pgpKeys.length === 0 ? null : pgpKeys.map((key) => key.fingerprint),
    };
  } finally {
    wipe(...shares);
  }
}
