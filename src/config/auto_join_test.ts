/** The forms of `auto_join`, and what is said of others. */
import { assert, assertEquals } from "@std/assert";
import { parseAutoJoin } from "./auto_join.ts";

Deno.test("names, SRV records and name servers", () => {
  const nothing = { type: "address", nameServer: undefined } as const;
  assertEquals(parseAutoJoin("provider=dns name=nodes.internal"), {
    ...nothing,
    name: "nodes.internal",
  });
  assertEquals(
    parseAutoJoin(" provider=dns  type=srv name=_h._tcp.x nameserver=10.0.0.2:8600 "),
    { name: "_h._tcp.x", type: "srv", nameServer: { ipAddr: "10.0.0.2", port: 8600 } },
  );
  assertEquals(parseAutoJoin("provider=dns name=x nameserver=[fd00::1]"), {
    ...nothing,
    name: "x",
    nameServer: { ipAddr: "fd00::1", port: 53 },
  });
});

Deno.test("what is wrong is told", () => {
  for (
    const [text, told] of [
      ["provider=aws tag_key=x", 'provider "aws" is not known'],
      ["name=x", 'provider "" is not known'],
      ["provider=dns", "needs name="],
      ["provider=dns name", '"name" is not key=value'],
      ["provider=dns name=x typ=srv", 'unknown key "typ"'],
      ["provider=dns name=x type=mx", "type is"],
      ["provider=dns name=x nameserver=ns1", "no IP address"],
      ["provider=dns name=x nameserver=10.0.0.1:99999", "no IP address"],
    ] as const
  ) {
    const wrong = parseAutoJoin(text);
    assert(typeof wrong === "string" && wrong.includes(told), `${text}: ${wrong}`);
  }
});
