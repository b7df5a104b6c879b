/** Which names a role lets through: examples, and what holds for all names. */
import { assert, assertEquals } from "@std/assert";
import { testRandom } from "../../crypto/testing.ts";
import { addressBytes } from "./alt_names.ts";
import { isCommonNameAllowed, isNameAllowed, matchesGlob, toAscii } from "./names.ts";

const strict = {
  allow_any_name: false,
  allow_bare_domains: false,
  allow_glob_domains: false,
  allow_localhost: false,
  allow_subdomains: false,
  allow_token_displayname: false,
  allow_wildcard_certificates: true,
  enforce_hostnames: true,
};

const asker = { displayName: "token-ann@corp.example", domains: ["example.com"] };

type Rules = Partial<typeof strict>;

const allowed = (name: string, rules: Rules, domains = asker.domains) =>
  isNameAllowed(name, { ...strict, ...rules }, { ...asker, domains });

Deno.test("a domain alone lets nothing through", () => {
  for (const name of ["example.com", "a.example.com", "*.example.com", "me@example.com"]) {
    assertEquals(allowed(name, {}), false, name);
  }
});

Deno.test("bare domains, subdomains and globs let through what they say", () => {
  const bare = { allow_bare_domains: true };
  assert(allowed("example.com", bare) && allowed("EXAMPLE.com", bare));
  assert(allowed("me@example.com", bare));
  assertEquals(allowed("a.example.com", bare), false);
  const sub = { allow_subdomains: true };
  assert(allowed("a.example.com", sub) && allowed("b.a.example.com", sub));
  assert(allowed("*.example.com", sub) && allowed("f*o.example.com", sub));
  assertEquals(allowed("example.com", sub), false);
  assertEquals(allowed("badexample.com", sub), false);
  assertEquals(allowed("example.com.evil.org", sub), false);
  const glob = { allow_glob_domains: true };
  assert(allowed("ftp1.example.com", glob, ["ftp*.example.com"]));
  assertEquals(allowed("ftp1.example.com", glob), false);
});

Deno.test("wildcards may stand once, in the first part, where the role wants them", () => {
  const sub = { allow_subdomains: true };
  for (const name of ["a.*.example.com", "*.*.example.com", "**.example.com", "me@*.example.com"]) {
    assertEquals(allowed(name, sub), false, name);
  }
  const none = { ...sub, allow_wildcard_certificates: false };
  assertEquals(allowed("*.example.com", none), false);
});

Deno.test("a common name must be of a kind that the role checks", () => {
  const role = { ...strict, allow_any_name: true };
  const allows = (name: string, cn_validations: string[]) =>
    isCommonNameAllowed(name, { ...role, cn_validations }, asker);
  assert(allows("a.com", ["hostname"]) && allows("me@a.com", ["email"]));
  assertEquals(allows("a.com", ["email"]), false);
  assertEquals(allows("me@a.com", ["hostname"]), false);
  assert(allows("what ever!", ["disabled"]));
});

/** Names made of what tends to slip through. */
function* names(count: number): Generator<string> {
  const random = testRandom(7);
  const parts = [
    "a",
    "example",
    "com",
    "*",
    "-",
    "",
    "evil",
    "localhost",
    "@",
    "é",
    "_",
    " ",
    "x*",
  ];
  for (let i = 0; i < count; i++) {
    const picks = [...random.bytes(1 + i % 6)].map((byte) => parts[byte % parts.length] ?? "");
    yield picks.join(i % 3 === 0 ? "" : ".");
    yield `${picks.join(".")}.example.com`;
  }
}

Deno.test("whatever is let through below a domain ends with it, and is a host's name", () => {
  const host = /^(?:[a-z0-9*-]+@)?[a-z0-9*](?:[a-z0-9.*-]*[a-z0-9])?\.example\.com$/i;
  for (const name of names(3000)) {
    if (!allowed(name, { allow_subdomains: true })) continue;
    const [, domain = name] = /@(.*)$/.exec(name) ?? [];
    const ascii = toAscii(domain.replace("*", "w"));
    assert(host.test(ascii), name);
    assert(!name.includes("..") && name.split("*").length <= 2, name);
  }
});

Deno.test("more flags never let fewer names through", () => {
  for (const name of names(1000)) {
    for (const rules of [{}, { allow_bare_domains: true }, { allow_subdomains: true }]) {
      if (allowed(name, rules)) assert(allowed(name, { ...rules, allow_any_name: true }), name);
      if (allowed(name, rules)) assert(allowed(name, { ...rules, enforce_hostnames: false }), name);
    }
  }
});

Deno.test("a pattern with stars is what its parts in their order are", () => {
  const cases: [string, string, boolean][] = [
    ["a*c", "abc", true],
    ["a*c", "ac", true],
    ["a*ac", "ac", false],
    ["*", "", true],
    ["", "a", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "aXcYb", false],
    ["spiffe://ok/*", "spiffe://ok/x", true],
    ["spiffe://ok/*", "spiffe://no/x", false],
  ];
  for (const [pattern, value, expected] of cases) {
    assertEquals(matchesGlob(pattern, value), expected, `${pattern} ${value}`);
  }
});

Deno.test("addresses are read in all their forms, and nothing else is", () => {
  const hex = (text: string) => addressBytes(text)?.toHex();
  assertEquals(hex("10.1.2.3"), "0a010203");
  assertEquals(hex("::1"), "0".repeat(31) + "1");
  assertEquals(hex("2001:db8::a:b"), "20010db80000000000000000000a000b");
  assertEquals(hex("::ffff:1.2.3.4"), "01020304");
  for (
    const text of ["", "1.2.3", "256.1.1.1", "1.2.3.4/8", ":::", "nope", "::1%eth0", "1::2::3"]
  ) {
    assertEquals(hex(text), undefined, text);
  }
});
