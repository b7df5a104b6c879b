import { assertEquals } from "@std/assert";
import { ExactNumber } from "../json.ts";
import { emptySecret } from "../client/secret.ts";
import { secretField, secretRows } from "./secret_table.ts";
import { columns, keyValue, wrap } from "./table.ts";
import { quotedList, valueText } from "./value_text.ts";
import { writeYaml } from "./yaml.ts";

Deno.test("columns are as wide as their widest cell; empty cells say so", () => {
  assertEquals(keyValue([["a", "1"], ["longer", ""]]), [
    "Key       Value",
    "---       -----",
    "a         1",
    "longer    n/a",
  ]);
  assertEquals(columns([["∞", "x"], ["ab", "y"]]), ["∞     x", "ab    y"]);
});

Deno.test("sentences break at the margin", () => {
  assertEquals(wrap("one two three", "  ", 9), "  one two\n  three");
  assertEquals(wrap("a\n\nb"), "a\n\nb");
});

Deno.test("values read as scripts expect them", () => {
  assertEquals(
    valueText({ b: [1, true, null], a: { x: "y" } }),
    "map[a:map[x:y] b:[1 true <nil>]]",
  );
  assertEquals(valueText(new ExactNumber("18446744073709551615")), "18446744073709551615");
  assertEquals(quotedList(["a", "b"]), '["a" "b"]');
  assertEquals(quotedList(undefined), "[]");
});

Deno.test("YAML quotes what another reader could take for something else", () => {
  const value = { y: "y", n: "no", t: "2026-11-21T13:55:50Z", e: "", v: "2.7.2", num: "1" };
  assertEquals(
    writeYaml({
      ...value,
      list: ["a"],
      none: null,
      lines: "a\nb\n",
      big: new ExactNumber("9007199254740993"),
    }),
    `big: 9007199254740993
e: ""
lines: |
  a
  b
list:
- a
"n": "no"
none: null
num: "1"
t: "2026-11-21T13:55:50Z"
v: 2.7.2
"y": "y"
`,
  );
});

Deno.test("a login shows its token before everything else, without an end as ∞", () => {
  const auth = {
    client_token: "hvs.x",
    accessor: "acc",
    policies: ["root"],
    token_policies: ["root"],
    metadata: { user: "anna" },
    lease_duration: 0,
  };
  assertEquals(secretRows({ ...emptySecret, auth }), [
    ["token", "hvs.x"],
    ["token_accessor", "acc"],
    ["token_duration", "∞"],
    ["token_renewable", "false"],
    ["token_policies", '["root"]'],
    ["identity_policies", "[]"],
    ["policies", '["root"]'],
    ["token_meta_user", "anna"],
  ]);
  assertEquals(secretField({ ...emptySecret, auth }, "token"), "hvs.x");
});

Deno.test("lengths of time are readable, other numbers are not touched", () => {
  const data = { ttl: 3600, token_period: 0, num_uses: 60, period: "30s" };
  assertEquals(secretRows({ ...emptySecret, data }), [
    ["num_uses", "60"],
    ["period", "30s"],
    ["token_period", "0s"],
    ["ttl", "1h"],
  ]);
});

Deno.test("leases come first; without an ID they are a refresh interval", () => {
  const lease = { ...emptySecret, leaseId: "a/b", leaseDuration: 60, renewable: true };
  assertEquals(secretRows(lease), [
    ["lease_id", "a/b"],
    ["lease_duration", "1m"],
    ["lease_renewable", "true"],
  ]);
  assertEquals(secretRows({ ...lease, leaseId: "" }), [["refresh_interval", "1m"]]);
});

Deno.test("a field that is not there is undefined, also where every object has one", () => {
  const secret = { ...emptySecret, data: { a: 1 } };
  assertEquals(secretField(secret, "a"), 1);
  assertEquals(secretField(secret, "toString"), undefined);
  assertEquals(secretField(secret, "token"), undefined);
});
