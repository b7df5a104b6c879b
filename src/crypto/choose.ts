/** Which provider this process uses. */
import type { Logger } from "../base/log.ts";
import { openOpensslProvider } from "./openssl.ts";
import { portableProvider } from "./portable.ts";
import type { CryptoProvider } from "./provider.ts";
import { selfTest } from "./selftest.ts";

/**
 * OpenSSL where the system has it, else the portable provider; tested before it is handed out.
 * Throws `SelfTestError` where a test fails: a node with broken primitives must not start, and
 * falling back would hide that the machine or its libraries are damaged.
 */
export function chooseProvider(log: Logger): CryptoProvider {
  const openssl = openOpensslProvider();
  const provider = openssl ?? portableProvider();
  selfTest(provider);
  if (openssl === undefined) {
    log.warn("libcrypto of OpenSSL 3 was not found; using the slower portable primitives");
  }
  log.info("primitives passed their self-tests", { provider: provider.name });
  return provider;
}
