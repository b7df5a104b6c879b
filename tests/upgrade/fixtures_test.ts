/**
 * Data directories of earlier versions, kept as they were (`make_fixture.ts` made them): today's
 * node opens, reads and goes on with each. None of them may ever be dropped without a word in the
 * README on how such data come to a version that reads them no more.
 */
import { assert } from "@std/assert";
import { join } from "node:path";
import { api, freePort, scratch, startServer } from "../../src/server/testing.ts";
import { check, type Content, LIFETIMES } from "./content.ts";
import { tar } from "./history.ts";

const fixtures = join(import.meta.dirname ?? ".", "fixtures");

interface Fixture {
  readonly made_by: string;
  readonly key: string;
  readonly root: string;
  readonly content: Content;
}

const names = [...Deno.readDirSync(fixtures)].map(({ name }) => name)
  .filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5)).sort();
assert(names.length >= 2);

for (const name of names) {
  const told: Fixture = JSON.parse(Deno.readTextFileSync(join(fixtures, `${name}.json`)));
  Deno.test(`today's node opens and reads what was written by ${told.made_by}`, async () => {
    await using folder = await scratch();
    const data = `${folder.path}/data`;
    await Deno.mkdir(data);
    await tar("-xzf", join(fixtures, `${name}.tar.gz`), "-C", data);
    const port = freePort();
    const address = `http://127.0.0.1:${port}`;
    const config = `${folder.path}/node.hcl`;
    await Deno.writeTextFile(
      config,
      `
storage "raft" {
  path = "${data}"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
api_addr = "${address}"
cluster_addr = "https://127.0.0.1:${port + 1}"
disable_mlock = true
${LIFETIMES}
`,
    );
    // And once more, from what today's version has made of it.
    for (let round = 0; round < 2; round++) {
      await using server = await startServer(config);
      await api(address, "sys/unseal", { body: { key: told.key } });
      await check(address, told.root, told.content);
      server.signal("SIGTERM");
      await server.ended;
    }
  });
}
