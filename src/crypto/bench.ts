/** Measures both providers: `deno run -A src/crypto/bench.ts`. The README quotes its output. */
import { systemRandom } from "../base/clock.ts";
import type { KeyKind } from "./keys.ts";
import { openOpensslProvider } from "./openssl.ts";
import { portableProvider } from "./portable.ts";
import type { CryptoProvider } from "./provider.ts";

const RUNS = 5;

/** The best of some runs, microseconds a call: what the machine can do when left alone. */
function best(calls: number, fn: () => unknown): number {
  let least = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) fn();
    least = Math.min(least, (performance.now() - start) * 1000 / calls);
  }
  return least;
}

async function bestAsync(calls: number, fn: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) await fn();
    least = Math.min(least, (performance.now() - start) * 1000 / calls);
  }
  return least;
}

function symmetric(provider: CryptoProvider): [string, number][] {
  const [nonce, data] = [systemRandom.bytes(12), systemRandom.bytes(60)];
  const gcm = provider.gcmKey(systemRandom.bytes(32));
  const hmac = provider.hmacKey("sha256", systemRandom.bytes(32));
  const rows: [string, number][] = [];
  for (const length of [300, 65536]) {
    const plain = systemRandom.bytes(length);
    const sealed = gcm.seal(nonce, plain, data);
    const calls = length === 300 ? 40_000 : 500;
    rows.push([`AES-256-GCM seal ${length} B`, best(calls, () => gcm.seal(nonce, plain, data))]);
    rows.push([`AES-256-GCM open ${length} B`, best(calls, () => gcm.open(nonce, sealed, data))]);
  }
  rows.push(["SHA-256 60 B", best(40_000, () => provider.hash("sha256", data))]);
  rows.push(["HMAC-SHA-256 60 B", best(40_000, () => hmac.sign(data))]);
  return rows;
}

async function asymmetric(provider: CryptoProvider): Promise<[string, number][]> {
  const data = systemRandom.bytes(60);
  const kinds: KeyKind[] = ["ecdsa-p256", "ecdsa-p521", "ed25519", "rsa-2048"];
  const rows: [string, number][] = [];
  for (const kind of kinds) {
    const key = await provider.keys.generate(kind);
    const options = { hash: "sha512" } as const;
    const signature = await key.sign(data, options);
    const verify = () => key.publicKey.verify(data, signature, options);
    rows.push([`${kind} sign`, await bestAsync(60, () => key.sign(data, options))]);
    rows.push([`${kind} verify`, await bestAsync(60, verify)]);
  }
  return rows;
}

if (import.meta.main) {
  const openssl = openOpensslProvider();
  for (
    const provider of openssl === undefined ? [portableProvider()] : [openssl, portableProvider()]
  ) {
    console.log(provider.name);
    for (const [what, us] of [...symmetric(provider), ...await asymmetric(provider)]) {
      console.log(`  ${what.padEnd(28)} ${us.toFixed(us < 100 ? 2 : 0).padStart(8)} µs`);
    }
  }
}
