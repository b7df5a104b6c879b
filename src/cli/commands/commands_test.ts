/**
 * Each command against a node that remembers what it was asked: which requests it sends, what it
 * prints, and its exit code.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCli } from "../main.ts";
import { leaves } from "../group.ts";
import { root } from "../registry.ts";
import { fakeIo } from "../testing/fake_io.ts";
import type { Case } from "../testing/case.ts";
import { testNode } from "../testing/node.ts";
import { cases } from "../testing/command_cases.ts";

for (const one of cases) {
  const title = one.args.join(" ").slice(0, 90);
  Deno.test(`${title}${one.exit ? ` → ${one.exit}` : ""}`, async () => {
    await using node = testNode(one.replies ?? {});
    const env = { VAULT_ADDR: node.address, VAULT_TOKEN: "hvs.me", ...one.io?.env };
    const io = fakeIo({ ...one.io, env });
    const code = await runCli(one.args, io);
    const sent: Case["sends"] = node.seen.map(({ method, path, body }) =>
      body === undefined ? `${method} ${path}` : [`${method} ${path}`, body]
    );
    assertEquals(sent, one.sends, io.printed.err);
    assertEquals(code, one.exit ?? 0, io.printed.err);
    assertStringIncludes(io.printed.out, one.prints ?? "");
    assertStringIncludes(io.printed.err, one.complains ?? "");
    assertEquals(/\n\s+at .*\.ts:\d+/.test(io.printed.err), false, "a stack trace is shown");
  });
}

Deno.test("there is a case for every command that talks to a node", async () => {
  const covered = new Set(cases.map(({ args }) => args.join(" ")));
  for (const [name, leaf] of leaves(root)) {
    if ((await leaf.load()).http === false) continue;
    const found = [...covered].some((line) => line === name || line.startsWith(`${name} `));
    assertEquals(found, true, `no case for ${name}`);
  }
});
