/** A made-up store in Vault's form, for what the peer does not write any more. */
import { createCipheriv, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Bytes, concat, toBase64, utf8 } from "../base/bytes.ts";
import type { Source } from "./source.ts";

/** A frame of term 1: version 1 binds nothing, version 2 the path. */
export function frame(key: Uint8Array, path: string, plain: Uint8Array, version: 1 | 2): Bytes {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  if (version === 2) cipher.setAAD(utf8(path));
  const sealed = [cipher.update(plain), cipher.final()];
  return concat(new Uint8Array([0, 0, 0, 1, version]), nonce, ...sealed, cipher.getAuthTag());
}

export interface FakeVault {
  readonly source: Source;
  readonly unsealKey: string;
  readonly stored: Map<string, Bytes>;
}

/** Of one unseal key, which is the root key itself, as before Vault 1.3. */
export function fakeVault(plain: Readonly<Record<string, Uint8Array>>, version: 1 | 2): FakeVault {
  const root = randomBytes(32), data = randomBytes(32);
  const keyring = { Keys: [{ Term: 1, Version: 1, Value: toBase64(data) }] };
  const split = { type: "shamir", secret_shares: 1, secret_threshold: 1 };
  const stored = new Map<string, Bytes>([
    ["core/seal-config", utf8(JSON.stringify(split))],
    ["core/keyring", frame(root, "core/keyring", utf8(JSON.stringify(keyring)), version)],
  ]);
  for (const [key, value] of Object.entries(plain)) {
    stored.set(key, frame(data, key, value, version));
  }
  const source: Source = {
    keys: [...stored.keys()].sort(),
    stored: (key) => Promise.resolve(stored.get(key)),
    close: () => Promise.resolve(),
  };
  return { source, unsealKey: toBase64(root), stored };
}

/** JSON as mount tables are packed. */
export function packedJson(value: unknown): Bytes {
  return concat(utf8("G"), gzipSync(utf8(JSON.stringify(value))));
}
