import { assertEquals, assertRejects } from "@std/assert";
import { fromUtf8 } from "../../base/bytes.ts";
import { CommandError } from "../errors.ts";
import { fakeIo } from "../testing/fake_io.ts";
import { systemIo } from "../system_io.ts";
import { userToken } from "./connect.ts";
import { tokenHelper } from "./token_helper.ts";

Deno.test("the token is kept in ~/.vault-token, and VAULT_TOKEN goes before it", async () => {
  const io = fakeIo({ files: { "/home/test/.vault-token": "kept\n" } });
  assertEquals(await userToken(io), "kept");
  await (await tokenHelper(io)).store("new");
  assertEquals(fromUtf8(io.files.get("/home/test/.vault-token") ?? new Uint8Array()), "new");
  await (await tokenHelper(io)).erase();
  assertEquals(await userToken(io), "");
  await (await tokenHelper(io)).erase();
  assertEquals(await userToken(fakeIo({ env: { VAULT_TOKEN: " set\n" } })), "set");
});

Deno.test("a stored token is readable by its owner only, and replaces a wider file", async () => {
  const directory = await Deno.makeTempDir();
  const io = { ...systemIo, env: (name: string) => name === "HOME" ? directory : undefined };
  const path = `${directory}/.vault-token`;
  await Deno.writeTextFile(path, "old", { mode: 0o644 });
  await (await tokenHelper(io)).store("new");
  const { mode } = await Deno.stat(path);
  assertEquals([(mode ?? 0) & 0o777, await Deno.readTextFile(path)], [0o600, "new"]);
  assertEquals((await Array.fromAsync(Deno.readDir(directory))).length, 1);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("an external helper is called with get, store and erase", async () => {
  const io = fakeIo({
    env: { VAULT_CONFIG_PATH: "/etc/vaultrc" },
    files: { "/etc/vaultrc": '# mine\ntoken_helper = "/usr/bin/keep"\n' },
    helper: (args) => ({ code: 0, out: args[0] === "get" ? "from-helper\n" : "", err: "" }),
  });
  assertEquals(await userToken(io), "from-helper");
  await (await tokenHelper(io)).store("t1");
  assertEquals(io.helperCalls.at(-1), { program: "/usr/bin/keep", args: ["store"], input: "t1" });
});

Deno.test("a helper that fails is named, what it said is not shown: it may hold the token", async () => {
  const io = fakeIo({
    files: { "/home/test/.vault": 'token_helper = "keep --safe"' },
    helper: () => ({ code: 3, out: "hunter2", err: "hunter2" }),
  });
  const error = await assertRejects(() => userToken(io), CommandError, "exit 3");
  assertEquals(error.message.includes("hunter2"), false);
  assertEquals(io.helperCalls[0]?.program, "/bin/sh");
});
