/** Values that programs trip over, as JSON text. */
import type { Dice } from "./random.ts";

const nasty = [
  "null",
  "true",
  '""',
  "[]",
  "{}",
  "-1",
  "0",
  "1e309",
  "-0",
  "9007199254740993",
  "99999999999999999999999999",
  "1.5",
  '"-1"',
  '"1h"',
  '"-1h"',
  '"99999999999h"',
  '"NaN"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u202e"',
  '"../../etc/passwd"',
  '"a/../b"',
  '"/"',
  '"*"',
  '"+"',
  '"{{identity.entity.id}}"',
  '"{{"',
  '"$(id)"',
  '"%00"',
  '"%s%n"',
  '"root"',
  '"hvs.AAAA"',
  '"ssh-rsa AAAA"',
  '"-----BEGIN PGP PUBLIC KEY BLOCK-----\\n\\nAAAA\\n-----END PGP PUBLIC KEY BLOCK-----"',
  '"-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----"',
  '"-----BEGIN CERTIFICATE REQUEST-----\\nMIIB\\n-----END CERTIFICATE REQUEST-----"',
  '"-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEINwSHtFQyRwhmfIMdEzUB8sy9yx1vq1soiXETbMCpWid\\n-----END PRIVATE KEY-----"',
  '"ed25519"',
  '"AAAA===="',
  '"____"',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":2,"hasOwnProperty":3}',
  "[null,[],{}]",
  '{"a":{"b":{"c":{"d":[1,2,3]}}}}',
  '["a","a",1,null,true]',
  '"2262-04-12T00:00:00Z"',
  '"0000-00-00T99:99:99Z"',
  '"10.0.0.0/99"',
  '"::1/129"',
  '"path \\"x\\" {"',
  '"path \\"x\\" { capabilities = [\\"read\\"] }"',
] as const satisfies readonly [string, ...string[]];

/** One value; now and then a long or a deep one. */
export function nastyValue(dice: Dice): string {
  const kind = dice.below(40);
  if (kind === 0) return JSON.stringify("x".repeat(1 << (4 + dice.below(14))));
  if (kind === 1) return "[".repeat(64) + "]".repeat(64);
  if (kind === 2) return `[${Array.from({ length: 500 }, (_, i) => i).join(",")}]`;
  if (kind === 3) return JSON.stringify(String.fromCharCode(...dice.bytes(20)));
  if (kind === 4) return String((dice.fraction() - 0.5) * 10 ** dice.below(30));
  return dice.pick(nasty);
}

/** An object with some of these fields. */
export function nastyObject(dice: Dice, fields: readonly string[]): string {
  const members = fields.filter(() => dice.chance(0.5))
    .map((name) => `${JSON.stringify(name)}:${nastyValue(dice)}`);
  if (dice.chance(0.05)) members.push(`"unknown":${nastyValue(dice)}`);
  if (dice.chance(0.03)) members.push(...members);
  return `{${members.join(",")}}`;
}

/** Bodies that are wrong as a whole. */
export function brokenBody(dice: Dice): Uint8Array<ArrayBuffer> {
  const texts = [
    "{",
    "}",
    "[1,2",
    '{"a":',
    '{"a":1,}',
    "nul",
    "'a'",
    '{"a":1}{"b":2}',
    "\ufeff{}",
    '{"a":"\\x"}',
    '{"a":"\n"}',
    "1",
    '"text"',
    "[]",
    " ".repeat(5000),
    "[".repeat(100_000),
    '{"a":'.repeat(50_000),
    `{"data":{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":${i}`).join(",")}}}`,
    `[${"0,".repeat(50_000)}0]`,
    `{"a":${"9".repeat(100_000)}}`,
    `{"a":"${"\\u0041".repeat(50_000)}"}`,
    "a=1&b=2",
    "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--",
  ] as const satisfies readonly [string, ...string[]];
  if (dice.chance(0.2)) return dice.bytes(dice.below(2000));
  return new TextEncoder().encode(dice.pick(texts));
}
