/** The provider over the system's OpenSSL. */
import { hkdfOver } from "./hkdf.ts";
import { asBuffer, openLibcrypto } from "./libcrypto.ts";
import { opensslAead } from "./openssl_aead.ts";
import { opensslHash, opensslHmac } from "./openssl_hash.ts";
import { opensslKeys } from "./openssl_keys.ts";
import type { CryptoProvider } from "./provider.ts";

/** Opens libcrypto 3, or undefined where the system has none that this process may load. */
export function openOpensslProvider(): CryptoProvider | undefined {
  const opened = openLibcrypto();
  if (opened === undefined) return undefined;
  const lib = opened.symbols;
  const hmacKey = opensslHmac(lib);
  return {
    name: `openssl ${opened.version}`,
    hash: opensslHash(lib),
    hmacKey,
    ...opensslAead(lib),
    keys: opensslKeys(lib),
    equal: (a, b) =>
      a.length === b.length &&
      lib.CRYPTO_memcmp(asBuffer(a), asBuffer(b), BigInt(a.length)) === 0,
    hkdf: (hash, key, salt, info, length) => hkdfOver(hmacKey, hash, { key, salt, info, length }),
  };
}
