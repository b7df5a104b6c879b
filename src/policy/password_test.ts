import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../base/failure.ts";
import { testRandom } from "../crypto/testing.ts";
import { generatePassword, parsePasswordPolicy } from "./password.ts";

const text = `length = 20
rule "charset" { charset = "abcdefghij" min-chars = 2 }
rule "charset" { charset = "0123456789" min-chars = 3 }`;

Deno.test("every password keeps the policy", () => {
  const policy = parsePasswordPolicy(text);
  const random = testRandom(3);
  for (let i = 0; i < 500; i++) {
    const password = generatePassword(policy, random);
    assertEquals(password.length, 20);
    assert(/^[a-j0-9]+$/.test(password));
    assert((password.match(/[a-j]/g) ?? []).length >= 2);
    assert((password.match(/\d/g) ?? []).length >= 3);
  }
});

Deno.test("all characters come about equally often", () => {
  const policy = parsePasswordPolicy('length = 100\nrule "charset" { charset = "abcd" }');
  const counts: Record<string, number> = {};
  const random = testRandom(4);
  for (let i = 0; i < 200; i++) {
    for (const c of generatePassword(policy, random)) counts[c] = (counts[c] ?? 0) + 1;
  }
  for (const c of "abcd") assert(Math.abs((counts[c] ?? 0) - 5000) < 300, `${c}: ${counts[c]}`);
});

Deno.test("what can't be kept is refused", () => {
  for (
    const wrong of [
      "",
      "length = 2",
      'length = 300\nrule "charset" { charset = "a" }',
      "length = 20",
      "junk {",
      'length = 20\nrule "words" { charset = "a" }',
      'length = 5\nrule "charset" { charset = "a" min-chars = 6 }',
      'length = 5\nrule "charset" { charset = "a" min-chars = -1 }',
      'length = 5\nrule "charset" { charset = "" }',
      'length = 5.5\nrule "charset" { charset = "a" }',
      'size = 5\nrule "charset" { charset = "a" }',
    ]
  ) assertThrows(() => parsePasswordPolicy(wrong), Failure);
});
