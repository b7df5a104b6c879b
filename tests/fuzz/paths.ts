/** Paths: real ones, bent ones, and nonsense. */
import type { Dice } from "./random.ts";

const real = [
  "sys/mounts",
  "sys/mounts/kv/tune",
  "sys/auth",
  "sys/policies/acl/x",
  "sys/policy/x",
  "sys/capabilities",
  "sys/capabilities-self",
  "sys/leases/lookup",
  "sys/wrapping/lookup",
  "sys/wrapping/wrap",
  "sys/wrapping/unwrap",
  "sys/tools/hash/sha2-256",
  "sys/tools/random/16",
  "sys/audit-hash/file",
  "sys/internal/ui/mounts",
  "sys/internal/specs/openapi",
  "sys/config/cors",
  "sys/config/ui/headers/x",
  "sys/remount/status/x",
  "sys/unseal",
  "sys/init",
  "sys/seal-status",
  "sys/rekey/init",
  "sys/generate-root/attempt",
  "sys/generate-root/update",
  "sys/host-info",
  "sys/raw/core/mounts",
  "sys/internal/counters/requests",
  "kv/a",
  "kv/metadata/a",
  "kv2/data/a",
  "kv2/metadata/a",
  "kv2/subkeys/a",
  "kv2/destroy/a",
  "kv2/config",
  "transit/keys/x",
  "transit/encrypt/x",
  "transit/decrypt/x",
  "transit/sign/a/sha2-256",
  "transit/verify/a",
  "transit/restore/y",
  "pki/roles/x",
  "pki/issue/x",
  "pki/sign/x",
  "pki/sign-verbatim",
  "pki/root/generate/internal",
  "pki/root/sign-self-issued",
  "pki/issuers/import/bundle",
  "pki/issuer/default",
  "pki/config/crl",
  "pki/config/urls",
  "pki/cert/x",
  "pki/certs",
  "pki/revoke",
  "pki/tidy",
  "pki/ocsp",
  "pki/ocsp/x",
  "cubbyhole/a",
  "auth/token/create",
  "auth/token/lookup",
  "auth/token/lookup-self",
  "auth/token/renew-self",
  "auth/token/roles/x",
  "auth/userpass/login/x",
  "identity/entity",
  "identity/lookup/entity",
] as const satisfies readonly [string, ...string[]];

const queries = [
  "",
  "",
  "?list=true",
  "?help=1",
  "?version=1",
  "?version=-1",
  "?version=99999999999999999999",
  "?list=",
  "?list=2&list=3",
  "?%",
  "?%00=%ff",
  "?a[b]=c",
  "?__proto__=1",
  "?&&&=&",
  `?${"a=1&".repeat(2000)}`,
  "?after=%ff&limit=-1",
  "?limit=NaN",
  "?scan=true",
  "?standbyok=maybe",
] as const satisfies readonly [string, ...string[]];

const pieces = [
  "..",
  ".",
  "",
  "%2e%2e",
  "%2f",
  "%",
  "%zz",
  "%00",
  "%ff%fe",
  "%c0%af",
  "%F0%9F%98%80",
  "+",
  "*",
  "a b",
  ";a=b",
  ":",
  "@",
  "\\",
  "{{x}}",
  "__proto__",
  "constructor",
  "toString",
  "\u00e9",
  "~",
  "x".repeat(300),
] as const satisfies readonly [string, ...string[]];

/** The target of a request line. */
export function target(dice: Dice): string {
  const kind = dice.below(20);
  if (kind === 0) return dice.pick(["*", "/", "//", "/v1", "/v1/", "/ui/", "/ui/../v1/sys/health"]);
  if (kind === 1) return `http://other.example/v1/${dice.pick(real)}`;
  if (kind === 2) return `/v1/${"a/".repeat(dice.below(3000))}`;
  if (kind === 3) return `/${new TextDecoder("latin1").decode(dice.bytes(dice.below(60)))}`;
  const parts: string[] = dice.pick(real).split("/");
  if (kind < 10) {
    for (let times = dice.below(3); times >= 0; times--) {
      parts.splice(dice.below(parts.length + 1), dice.below(2), dice.pick(pieces));
    }
  }
  return `/v1/${parts.join("/")}${dice.pick(queries)}`;
}
