/**
 * Makes a data directory with an earlier version of the program and keeps it:
 *
 *     deno run -A tests/upgrade/make_fixture.ts COMMIT [killed]
 *
 * writes `fixtures/COMMIT.tar.gz` and, beside it, `fixtures/COMMIT.json` with its keys. With
 * `killed` the node is ended by SIGKILL, so that much of the content is in the log alone.
 */
import { join } from "node:path";
import { bringUp, scratch, spawn } from "../../src/server/testing.ts";
import { fill, LIFETIMES } from "./content.ts";
import { checkOut, describe, tar } from "./history.ts";

const [commit, how] = Deno.args;
if (commit === undefined) throw new Error("which commit?");
const fixtures = join(import.meta.dirname ?? ".", "fixtures");
const port = 32100;

await using folder = await scratch();
const source = `${folder.path}/source`;
if (!await checkOut(commit, source)) throw new Error(`no commit ${commit} in the history`);
const data = `${folder.path}/data`;
const config = `${folder.path}/node.hcl`;
await Deno.writeTextFile(
  config,
  `
storage "raft" {
  path = "${data}"
  node_id = "fixture"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
api_addr = "http://127.0.0.1:${port}"
cluster_addr = "https://127.0.0.1:${port + 1}"
disable_mlock = true
${LIFETIMES}
`,
);
await using server = spawn(["server", `-config=${config}`], {}, ":", source);
await server.saw("server started!");
const { key, token } = await bringUp(`http://127.0.0.1:${port}`);
const content = await fill(`http://127.0.0.1:${port}`, token);
server.signal(how === "killed" ? "SIGKILL" : "SIGTERM");
await server.ended;
await Deno.remove(`${data}/LOCK`);
await Deno.mkdir(fixtures, { recursive: true });
const options = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner"];
await tar("-czf", join(fixtures, `${commit}.tar.gz`), ...options, "-C", data, ".");
const told = {
  made_by: await describe(commit),
  ended: how ?? "stopped",
  key,
  root: token,
  content,
};
await Deno.writeTextFile(join(fixtures, `${commit}.json`), `${JSON.stringify(told, null, 2)}\n`);
