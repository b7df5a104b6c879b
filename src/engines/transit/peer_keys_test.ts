/**
 * Keys that the peer (OpenBao 2.7.2) made and backed up, in `testdata/`: what it made with them is
 * understood here, whatever it has archived, and a backup made here holds the same secrets.
 */
import { assertEquals } from "@std/assert";
import { fromBase64, fromUtf8 } from "../../base/bytes.ts";
import type { JsonObject } from "../../logical/json.ts";
import { startTransit, text, type TransitKit } from "./testing/kit.ts";

interface PeerKey {
  readonly name: string;
  readonly type: string;
  readonly context?: string;
  readonly convergent?: boolean;
  readonly backup: string;
  /** By version, from 1 on. */
  readonly ciphertexts: readonly string[];
  readonly signatures: readonly string[];
  readonly hmacs: readonly string[];
}

interface PeerKeys {
  readonly plaintext: string;
  readonly associated_data: string;
  readonly keys: readonly PeerKey[];
}

const made: PeerKeys = JSON.parse(
  await Deno.readTextFile(new URL("./testdata/peer_keys.json", import.meta.url)),
);

function contextOf({ context }: PeerKey): JsonObject {
  return context === undefined ? {} : { context };
}

/** What stands beside a text that is encrypted. */
function optionsOf(key: PeerKey): JsonObject {
  const { associated_data } = made;
  return { ...contextOf(key), ...(key.type.startsWith("rsa-") ? {} : { associated_data }) };
}

async function understands(kit: TransitKit, name: string, key: PeerKey): Promise<void> {
  for (const ciphertext of key.ciphertexts) {
    const options = { ciphertext, ...optionsOf(key) };
    assertEquals((await kit.write(`decrypt/${name}`, options)).plaintext, made.plaintext);
  }
  const input = { input: made.plaintext, ...contextOf(key) };
  for (const signature of key.signatures) {
    assertEquals(await kit.write(`verify/${name}`, { ...input, signature }), { valid: true });
  }
  for (const hmac of key.hmacs) {
    assertEquals(await kit.write(`verify/${name}`, { ...input, hmac }), { valid: true });
  }
}

for (const key of made.keys) {
  const kind = `${key.type}${key.context ? ", derived" : ""}${
    key.convergent ? ", convergent" : ""
  }`;
  Deno.test(`the peer's backup of a key is restored: ${kind}`, async () => {
    const kit = await startTransit();
    await kit.write(`restore/mine`, { backup: key.backup });
    const [, newest] = key.ciphertexts;
    if (newest !== undefined) {
      const options = { ciphertext: newest, ...optionsOf(key) };
      assertEquals((await kit.write("decrypt/mine", options)).plaintext, made.plaintext);
    }
    // The first version stands in the archive, and may be used again once that is allowed.
    const hmac = { input: made.plaintext, hmac: key.hmacs[0] };
    assertEquals(await kit.status("verify/mine", hmac), 400);
    await kit.write("keys/mine/config", { min_decryption_version: 1 });
    await understands(kit, "mine", key);
    if (key.convergent) {
      const options = { plaintext: made.plaintext, ...optionsOf(key) };
      assertEquals((await kit.write("encrypt/mine", options)).ciphertext, newest);
    }
  });

  Deno.test(`a backup made here holds what the peer's held: ${kind}`, async () => {
    const kit = await startTransit();
    await kit.write("restore/mine", { backup: key.backup });
    const again = secrets(text((await kit.read("backup/mine")).backup));
    assertEquals(again, secrets(key.backup));
    await kit.write("restore/copy", { backup: text((await kit.read("backup/mine")).backup) });
    await kit.write("keys/copy/config", { min_decryption_version: 1 });
    await understands(kit, "copy", key);
  });
}

/** A backup without times to the nanosecond, names, and what only the peer knows of. */
function secrets(backup: string) {
  const json = fromUtf8(fromBase64(backup) ?? new Uint8Array());
  // Kept as text, since doubles would take other numbers for the same.
  const whole = JSON.parse(json.replace(/(?<=[:[,])\d{16,}/g, '"$&"'));
  for (const one of [...Object.values<Version>(whole.policy.keys), ...whole.archived_keys.keys]) {
    delete one.time;
    delete one.external_key_ref;
  }
  for (const changing of ["name", "backup_info", "restore_info"]) delete whole.policy[changing];
  return whole;
}

interface Version {
  time?: string;
  external_key_ref?: string;
}
