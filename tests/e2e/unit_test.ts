/** The unit is as closed as promised, and the installed program works inside of it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestNode } from "./node.ts";
import { program, repository, run } from "./program.ts";
import { skipUnless } from "./skip.ts";

const unit = `${repository}/systemd/holdfast.service`;

Deno.test("the unit's exposure is 2.0 or lower", async (t) => {
  const analyze = await run("sh", ["-c", "command -v systemd-analyze"]);
  if (!skipUnless(t, analyze.code === 0, "systemd-analyze")) return;
  const { code, text } = await run("systemd-analyze", ["security", "--offline=yes", unit]);
  const level = Number(/exposure level for \S+: ([\d.]+)/.exec(text)?.[1] ?? NaN);
  assertEquals(code, 0, text);
  assert(level <= 2.0, text.slice(-200));
});

async function install(destdir: string): Promise<void> {
  await program();
  const { code, text } = await run(`${repository}/scripts/install`, [], {
    env: { DESTDIR: destdir },
  });
  assertEquals(code, 0, text);
}

Deno.test("installing twice, uninstalling twice: the configuration and data stay until purged", async () => {
  const image = await Deno.makeTempDir({ prefix: "holdfast-image-" });
  const there = async (path: string) => (await run("test", ["-e", `${image}/${path}`])).code === 0;
  try {
    await install(image);
    await Deno.writeTextFile(`${image}/etc/holdfast/holdfast.hcl`, "# mine\n");
    await install(image);
    assertEquals(await Deno.readTextFile(`${image}/etc/holdfast/holdfast.hcl`), "# mine\n");
    assertEquals(await there("etc/systemd/system/holdfast.service"), true);
    const { stdout } = await run(`${image}/usr/local/bin/holdfast`, ["version"], {
      env: { XDG_CACHE_HOME: "/nonexistent", HOME: "/nonexistent" },
    });
    assertStringIncludes(stdout, "Holdfast v");
    for (const purge of [[], [], ["--purge"], ["--purge"]]) {
      const { code, text } = await run(`${repository}/scripts/uninstall`, purge, {
        env: { DESTDIR: image },
      });
      assertEquals(code, 0, text);
      assertEquals(await there("usr/local/bin/holdfast"), false);
      assertEquals(await there("usr/local/lib/holdfast"), false);
      assertEquals(await there("etc/holdfast/holdfast.hcl"), purge.length === 0);
    }
  } finally {
    await Deno.remove(image, { recursive: true });
  }
});

Deno.test("a node works as an unprivileged user, read-only, under the unit's filter", async (t) => {
  const able = await run("sh", ["-c", "command -v systemd-analyze && unshare --mount --ipc true"]);
  if (!skipUnless(t, able.code === 0, "root, unshare and systemd-analyze")) return;
  const image = await Deno.makeTempDir({ prefix: "holdfast-image-" });
  try {
    await Deno.chmod(image, 0o755);
    await install(image);
    const wrapper = `${image}/as-unit`;
    await using node = await TestNode.create("", wrapper);
    const cache = `${node.folder}/cache`;
    await Deno.chmod(node.folder, 0o755);
    for (const path of [node.data, cache]) {
      await Deno.mkdir(path);
      await Deno.chown(path, 65534, 65534);
    }
    const script = `${import.meta.dirname}/as_unit.py`;
    await Deno.writeTextFile(
      wrapper,
      `#!/bin/sh
case $1 in server) ;; *) exec "${image}/usr/local/bin/holdfast" "$@" ;; esac
exec unshare --mount --ipc python3 "${script}" "${unit}" "${node.data}:${cache}" \\
  "${image}/usr/local/bin/holdfast" "$@"
`,
      { mode: 0o755 },
    );
    await node.setUp();
    const status = await Deno.readTextFile(`/proc/${node.pid}/status`);
    assertStringIncludes(status, "Uid:\t65534");
    assertStringIncludes(status, "NoNewPrivs:\t1");
    assertStringIncludes(status, "CapBnd:\t0000000000000000");
    if (!node.output.includes("no kernel header")) assertStringIncludes(status, "Seccomp:\t2");
    assertStringIncludes(node.output, "openssl");
    await node.api("POST", "sys/mounts/kv", { type: "kv" });
    assertEquals((await node.api("PUT", "kv/a", { x: 1 })).status, 204);
    assertEquals((await node.api("GET", "sys/host-info")).status, 200);
    // Nothing else could be written, also by asking the node to.
    const audit = { type: "file", options: { file_path: `${node.folder}/audit.log` } };
    const refused = await node.api("PUT", "sys/audit/file", audit);
    assertEquals(refused.status, 400);
    assertEquals(await node.stop("SIGTERM"), 0, node.output);
    assertEquals(await node.start(), undefined, node.output);
    await node.unseal();
    assertEquals((await node.api("GET", "kv/a")).get("data.x"), 1);
  } finally {
    await Deno.remove(image, { recursive: true });
  }
});
