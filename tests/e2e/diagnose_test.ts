/** `operator diagnose` of a node that does not start: what it can tell without keys, and with them. */
import { assert, assertEquals } from "@std/assert";
import { at, TestNode } from "./node.ts";
import { run } from "./program.ts";

interface Check {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly Advice: string;
  readonly children?: readonly Check[];
}

async function checkEntries(
  node: TestNode,
  keys?: readonly string[],
): Promise<{ found: Check | undefined; text: string }> {
  const words = ["operator", "diagnose", "-format=json", `-config=${node.config}`];
  const { text } = keys === undefined
    ? await run(node.bin, words)
    : await run(node.bin, [...words, "-unseal"], { stdin: `${keys.join("\n")}\n` });
  const all: Check = JSON.parse(text);
  const find = (check: Check): Check | undefined =>
    check.name === "Check Entries"
      ? check
      : check.children?.map(find).find((found) => found !== undefined);
  return { found: find(all), text };
}

Deno.test("a damaged mount table is named, its content is not; keys are needed for what is inside", async () => {
  await using node = await TestNode.create("raw_storage_endpoint = true");
  const { unsealKey: key } = await node.setUp();
  await node.api("POST", "sys/mounts/secret", { type: "kv" });
  const uuid = at((await node.api("GET", "sys/mounts")).body, "data.secret/.uuid");
  const entry = `core/mounts/${uuid}`;
  const running = await checkEntries(node, [key]);
  assertEquals(running.found, undefined, "files of a running node are not read");
  await node.stop();

  const outside = await checkEntries(node);
  assertEquals(outside.found?.status, "ok", outside.text);
  assert(outside.found?.message?.includes("-unseal"));
  const inside = await checkEntries(node, [key]);
  assertEquals(inside.found?.status, "ok", inside.text);
  assert(inside.found?.message?.includes("can be read"));
  const wrong = await checkEntries(node, [btoa("x".repeat(32))]);
  assertEquals(wrong.found?.status, "fail");
  assert(wrong.found?.message?.includes("unseal keys"), wrong.text);
  assertEquals((await checkEntries(node, [])).found?.status, "fail");

  await node.start();
  await node.unseal();
  await node.api("POST", `sys/raw/${entry}`, { value: '{"path": "hunter2', force: true });
  await node.api("POST", "sys/raw/sys/policy/default", { value: "hunter3", force: true });
  await node.stop();
  const broken = await checkEntries(node, [key]);
  assertEquals(broken.found?.status, "fail");
  assert(broken.found?.message?.startsWith(`${entry} (mount table entry): it is no JSON`));
  assert(broken.found?.message?.includes("a node does not start with it; 2 entries"));
  assert(broken.found?.warnings?.[0]?.startsWith("sys/policy/default (policy)"), broken.text);
  assert(broken.found?.Advice.includes("operator raw"));
  assert(!broken.text.includes("hunter") && !broken.text.includes(key));
});
