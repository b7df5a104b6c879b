import { assertEquals, assertThrows } from "@std/assert";
import { rootNamespace } from "../logical/namespace.ts";
import type { Operation } from "../logical/request.ts";
import { parseExclude, parseFilter } from "./filter.ts";
import type { AuditedRequest } from "./record.ts";

function record(operation: Operation, path: string, type = "kv"): AuditedRequest {
  return {
    request: {
      id: "1",
      operation,
      namespace: rootNamespace,
      path,
      data: {},
      headers: new Headers(),
      clientToken: "",
      connection: { remoteAddress: "127.0.0.1", remotePort: 1 },
      method: "GET",
    },
    time: 0,
    token: undefined,
    mount: {
      path: "secret/",
      type,
      class: "secret",
      accessor: "a",
      nonHmacRequestKeys: [],
      nonHmacResponseKeys: [],
    },
  };
}

const read = record("read", "secret/data/ci/key");

for (
  const [filter, taken] of [
    ["mount_type == kv", true],
    ["mount_type != kv", false],
    ['mount_point == "secret/"', true],
    ["path contains `data/ci`", true],
    ['path not contains "data/ci"', false],
    ['"rea" in operation', true],
    ['"write" not in operation', true],
    ['path matches "^secret/data/[a-z]+/key$"', true],
    ["path not matches `^secret`", false],
    ["namespace is empty", true],
    ["namespace is not empty", false],
    ['namespace == ""', true],
    ["not mount_type == kv", false],
    // `and` binds tighter than `or`, and parentheses tighter than both.
    ["operation == read or operation == list and mount_type == pki", true],
    ["(operation == read or operation == list) and mount_type == pki", false],
    ["not (mount_type == pki and operation == read)", true],
    ['"/mount_type" == kv', true],
  ] as const
) {
  Deno.test(`filter: ${filter}`, () => assertEquals(parseFilter(filter)(read), taken));
}

for (
  const [filter, message] of [
    ["", "the end"],
    ["mount_type", "at character 11"],
    ["mount_type == ", "a value was expected, not the end"],
    ["mount_type = kv", 'at character 12: "=" was not expected'],
    ["(mount_type == kv", '")" was expected'],
    ["mount_type == kv extra", "at character 18"],
    ["path matches `[`", "no regular expression"],
    ["client_token == x", 'there is no property "client_token"'],
    ["not ".repeat(100) + "path == x", "nested deeper"],
    ["path == " + "x".repeat(5000), "longer than 4096"],
  ] as const
) {
  Deno.test(`a filter is refused with its place: ${filter.slice(0, 30)}`, () => {
    assertThrows(() => parseFilter(filter), Error, message);
  });
}

Deno.test("exclude takes fields out of the entries its condition holds for", () => {
  const exclude = parseExclude(JSON.stringify([
    { condition: '"/request/mount_type" == kv', fields: ["/request/data/a~1b", "/response"] },
    { fields: ["/auth/metadata", "/nothing/here"] },
    // Looks at the entry as it was, though the response is gone by now.
    { condition: "response.ok == true", fields: ["/error"] },
  ]));
  const entry = {
    auth: { metadata: { user: "ann" } },
    request: { mount_type: "kv", data: { "a/b": "x", c: "y" } },
    response: { ok: true },
    error: "e",
  };
  exclude(entry);
  assertEquals<unknown>(entry, { auth: {}, request: { mount_type: "kv", data: { c: "y" } } });
});

for (const text of ["{", "{}", "[1]", '[{"fields":[]}]', '[{"fields":["x"]}]', '[{"a":1}]']) {
  Deno.test(`exclude refuses ${text}`, () => {
    assertThrows(() => parseExclude(text), Error, "exclude");
  });
}
