/** Templates of user names, and what can't come out of them. */
import { assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../base/failure.ts";
import { testRandom } from "../../crypto/testing.ts";
import { systemClock } from "../../base/clock.ts";
import { parseAddress } from "./postgres/address.ts";
import { postgres } from "./postgres/plugin.ts";
import { expandStatements, fillIn, readStatements, scrub } from "./statements.ts";
import { makeUsername } from "./username.ts";

const source = {
  clock: { ...systemClock, now: () => Date.UTC(2026, 0, 1) },
  random: testRandom(3),
  sha256: () => new Uint8Array(32).fill(0xab),
};

function name(template: string, display = "token", role = "reader"): string {
  return makeUsername(template, source, { DisplayName: display, RoleName: role });
}

Deno.test("the usual name tells who asked, for which role and when", () => {
  const made = name(postgres.usernameTemplate, "userpass-annette", "long-role-name");
  assertEquals(/^v-userpass-long-rol-[0-9A-Za-z]{20}-1767225600$/.test(made), true, made);
});

Deno.test("templates: fields, functions, pipes, parentheses", () => {
  assertEquals(name("t_{{.RoleName}}_{{random 6}}").length, 15);
  assertEquals(name('{{ .RoleName | replace "e" "E" | uppercase | truncate 3 }}'), "REA");
  assertEquals(name('{{ printf "%s.%s" (lowercase "AB") (.DisplayName | truncate 2) }}'), "ab.to");
  assertEquals(name('{{ truncate_sha256 10 "abcdefghijkl" }}'), "ababababab".slice(0, 10));
});

Deno.test("templates that are wrong are refused", () => {
  for (const wrong of ["{{", "{{ nothing }}", "{{ .Nothing }}", "{{ (random 3 }}", "{{ }}", ""]) {
    assertThrows(() => name(wrong), Failure);
  }
});

Deno.test("a display name can't leave the quotes of a statement", () => {
  assertEquals(name("{{.DisplayName}}", `x"; drop role super; --'\\`), "x drop role super --");
});

Deno.test("placeholders are filled once, and nothing in a value is one", () => {
  const values = { name: "{{password}}", password: "it's" };
  const quote = (value: string) => value.replaceAll("'", "''");
  assertEquals(
    fillIn("{{name}} {{ password }} {{other}}", values, quote),
    "{{password}} it''s {{other}}",
  );
});

Deno.test("statements come as a list, as text or as JSON", () => {
  assertEquals(readStatements("s", ["a; b", " "]), ["a; b"]);
  assertEquals(readStatements("s", "do $$ begin; end $$; b"), ["do $$ begin; end $$; b"]);
  assertEquals(expandStatements(readStatements("s", '["a", "b"]')), ["a", "b"]);
  assertEquals(expandStatements([btoa("drop user x;")]), ["drop user x;"]);
  assertEquals(expandStatements([btoa('["a b", "c"]'), "d e"]), ["a b", "c", "d e"]);
  assertThrows(() => readStatements("s", '["a"'), Failure);
  assertThrows(() => readStatements("s", [1]), Failure);
});

Deno.test("errors hold no secret in any of its forms", () => {
  assertEquals(scrub("at a'b, a''b or a%20c", ["a'b", "a c"]), "at [hidden], [hidden] or [hidden]");
});

Deno.test("both forms of a connection string are read, any password in them", () => {
  const password = "p'\\ @:/?#%";
  const url = parseAddress(
    "postgres://{{username}}:{{password}}@[::1]:80/db?sslmode=require",
    "u",
    password,
  );
  const pairs = parseAddress(
    "host=::1 port=80 user={{username}} password={{password}} dbname=db sslmode=require",
    "u",
    password,
  );
  assertEquals(url, pairs);
  assertEquals(url.password, password);
  assertEquals([url.host, url.port, url.database], ["::1", 80, "db"]);
  assertThrows(() => parseAddress("host", "u", "p"), Failure);
  assertThrows(() => parseAddress("postgres://h/db?sslmode=maybe", "u", "p"), Failure);
});
