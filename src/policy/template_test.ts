import { assertEquals } from "@std/assert";
import { parsePolicy } from "./parse.ts";
import { expandTemplates, type PolicySubject } from "./template.ts";

const subject: PolicySubject = {
  entity: {
    id: "e-1",
    name: "ann",
    metadata: { team: "red", deep: "r/d", star: "x*", empty: "" },
    aliases: [
      {
        accessor: "auth_up_1",
        id: "al-1",
        name: "ann@x",
        metadata: { m: "1" },
        customMetadata: { cm: "2" },
      },
    ],
  },
  groups: [
    { id: "g-1", name: "staff", metadata: { area: "north" } },
    { id: "g-2", name: "st.aff", metadata: {} },
  ],
};

function expanded(path: string, who: PolicySubject = subject, capability = "read"): string[] {
  const policy = parsePolicy(`path ${JSON.stringify(path)} { capabilities = ["${capability}"] }`);
  return expandTemplates(policy, who).policy.rules.map((rule) => rule.path);
}

Deno.test("templates take values of the entity, its aliases and its groups", () => {
  const cases: [string, string | undefined][] = [
    ["identity.entity.id", "e-1"],
    [" identity.entity.name ", "ann"],
    ["identity.entity.metadata.team", "red"],
    ["identity.entity.aliases.auth_up_1.id", "al-1"],
    ["identity.entity.aliases.auth_up_1.name", "ann@x"],
    ["identity.entity.aliases.auth_up_1.metadata.m", "1"],
    ["identity.entity.aliases.auth_up_1.custom_metadata.cm", "2"],
    ["identity.entity.aliases.auth_other.name", undefined],
    ["identity.groups.ids.g-1.name", "staff"],
    ["identity.groups.ids.g-1.metadata.area", "north"],
    ["identity.groups.names.staff.id", "g-1"],
    ["identity.groups.names.st.aff.id", "g-2"],
    ["identity.groups.names.others.id", undefined],
    ["identity.entity.metadata.none", undefined],
    ["identity.entity.metadata.toString", undefined],
    ["identity.entity.metadata.empty", undefined],
    ["identity.entity", undefined],
    ["foo.bar", undefined],
  ];
  for (const [name, value] of cases) {
    assertEquals(expanded(`t/{{${name}}}/*`), value === undefined ? [] : [`t/${value}/*`], name);
  }
  assertEquals(expanded("{{identity.entity.id}}/{{identity.entity.name}}"), ["e-1/ann"]);
});

Deno.test("a token without an entity loses templated rules and keeps the others", () => {
  const policy = parsePolicy('path "a/{{identity.entity.id}}" {}\npath "b" {}');
  const { policy: rest, dropped } = expandTemplates(policy, { groups: [] });
  assertEquals(rest.rules.map(({ path }) => path), ["b"]);
  assertEquals(dropped.map(({ reason }) => reason), ["identity.entity.id has no value"]);
});

Deno.test("a value can't smuggle slashes or wildcards in, nor switch a deny off", () => {
  const slash = "t/{{identity.entity.metadata.deep}}/x";
  const star = "t/{{identity.entity.metadata.star}}";
  assertEquals([expanded(slash), expanded(star)], [[], []]);
  assertEquals(expanded(slash, subject, "deny"), ["t/*"]);
  const policy = parsePolicy(`path "${slash}" {}\npath "${star}" {}`);
  const open = expandTemplates(policy, subject, { allowSlashes: true, allowWildcards: true });
  assertEquals(open.policy.rules.map(({ path }) => path), ["t/r/d/x", "t/x*"]);
});
