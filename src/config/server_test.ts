import { assert, assertEquals, assertRejects } from "@std/assert";
import { checkServerConfig } from "./checks.ts";
import { diffConfig } from "./diff.ts";
import { ConfigFileError, readConfigFiles } from "./files.ts";
import { lockoutFor } from "./lockout.ts";
import { formatNote } from "./note.ts";
import { sanitizedConfig } from "./sanitized.ts";
import { loadServerConfig } from "./server.ts";
import { seeded } from "./testing.ts";

const load = (text: string, env: Record<string, string> = {}) =>
  loadServerConfig([{ name: "a.hcl", text }], env);

const good = `
ui = true
api_addr = "http://10.0.0.1:8200"
cluster_addr = "http://10.0.0.1:8201"
default_lease_ttl = "10h"
storage "raft" {
  path = "/data"
  node_id = "n1"
  retry_join { leader_api_addr = "http://10.0.0.2:8200" }
  retry_join { auto_join = "provider=dns name=x" auto_join_scheme = "http" }
}
listener "tcp" {
  address = "0.0.0.0:8200"
  tls_disable = 1
  telemetry { unauthenticated_metrics_access = "true" }
  custom_response_headers { "default" = { "X-A" = ["b"] } "2xx" = { "X-B" = "c,d" } }
}
listener "unix" { address = "/run/h.sock" socket_mode = "0660" }
telemetry { prometheus_retention_time = "12h" usage_gauge_period = "none" }
user_lockout "all" { lockout_threshold = "3" }
user_lockout "userpass" { lockout_counter_reset = "1m" }
`;

Deno.test("a usual configuration is read without a word, with its types and defaults", () => {
  const { config, warnings, errors } = load(good);
  assertEquals([...warnings, ...errors], []);
  assertEquals(checkServerConfig(config).errors, []);
  assertEquals(config.settings.default_lease_ttl, 36000);
  assertEquals(config.settings.max_lease_ttl, 2764800);
  assert(config.storage?.type === "raft");
  assertEquals(config.storage.values.path, "/data");
  assertEquals(config.storage.values.max_entry_size, 1048576);
  assertEquals(config.storage.values.retry_join.map((join) => join.auto_join_scheme), [
    "https",
    "http",
  ]);
  const [tcp, unix] = config.listeners;
  assertEquals(tcp?.values.telemetry.unauthenticated_metrics_access, true);
  assertEquals(tcp?.values.http_read_header_timeout, 10);
  assertEquals(tcp?.values.custom_response_headers["2xx"], { "X-B": ["c,d"] });
  assertEquals(unix?.values.socket_mode, "0660");
  assertEquals(config.telemetry.values.usage_gauge_period, 0);
  assertEquals(lockoutFor(config, "userpass"), {
    lockout_threshold: 3,
    lockout_duration: 900,
    lockout_counter_reset: 60,
    disable_lockout: false,
  });
  assertEquals(lockoutFor(config, "ldap").lockout_counter_reset, 900);
});

Deno.test("the JSON form says the same", () => {
  const text = JSON.stringify({
    ui: "true",
    storage: { inmem: {} },
    listener: [{ tcp: { address: "127.0.0.1:1", tls_disable: "1" } }, { unix: { address: "/s" } }],
    telemetry: { prefix_filter: ["+a", "-b"] },
  });
  const { config, warnings, errors } = load(text);
  assertEquals([...warnings, ...errors], []);
  assertEquals(config.listeners.map(({ type }) => type), ["tcp", "unix"]);
  assertEquals(config.listeners[0]?.values.tls_disable, true);
  assertEquals(config.telemetry.values.prefix_filter, ["+a", "-b"]);
});

Deno.test("an unknown key is a warning with its place and a likely name", () => {
  const { warnings, errors } = load(
    'log_lvl = "info"\nlistner "tcp" {}\n' +
      'storage "raft" {\n  pth = "/x"\n  retry_join { leader_api_adr = "x" }\n}\nsentinel {}\n',
  );
  assertEquals(errors, []);
  assertEquals(warnings.map(formatNote), [
    'a.hcl:1:1: unknown key "log_lvl" in the configuration; did you mean "log_level"?',
    'a.hcl:2:1: unknown key "listner" in the configuration; did you mean "listener"?',
    'a.hcl:4:3: unknown key "pth" in storage "raft"; did you mean "path"?',
    'a.hcl:5:16: unknown key "leader_api_adr" in retry_join in storage "raft"; ' +
    'did you mean "leader_api_addr"?',
    'a.hcl:7:1: "sentinel" has no effect',
  ]);
});

Deno.test("a wrong value is an error with its place", () => {
  const { errors } = load(
    'cache_size = "x"\nlog_level = "loud"\nstorage "raff" {}\n' +
      'listener "tcp" { tls_disable = "maybe" max_request_size = "5 stones" }\n' +
      'max_lease_ttl = "1x"\nlistener {}\nseal "transit" { token = ["x"] }\nui = 2',
    { VAULT_DISABLE_MLOCK: "perhaps" },
  );
  const places = errors.map((note) => formatNote(note).split(": ")[0]).sort();
  assertEquals(places, [
    "a.hcl:1:14",
    "a.hcl:2:13",
    "a.hcl:3:1",
    "a.hcl:4:32",
    "a.hcl:4:59",
    "a.hcl:5:17",
    "a.hcl:6:1",
    "a.hcl:7:26",
    "a.hcl:8:6",
    "environment",
  ]);
  assertEquals(load("a {").errors.map(formatNote), [
    "a.hcl:1:4: expected a name, found the end of the text",
  ]);
});

Deno.test("of several files the later wins, listeners add up, notes keep their file", () => {
  const { config, errors } = loadServerConfig([
    { name: "1.hcl", text: 'ui = true\nlog_level = "info"\nbackend "file" { path = "/a" }' },
    { name: "2.json", text: '{"log_level": "debug", "listener": {"tcp": {}}}' },
    { name: "3.hcl", text: 'storage "inmem" {}\nlistener "tcp" {}\ncache_size = "x"' },
  ], {});
  assertEquals(config.settings.log_level, "debug");
  assertEquals(config.settings.ui, true);
  assertEquals(config.storage?.type, "inmem");
  assertEquals(config.listeners.length, 2);
  assertEquals(errors.map((note) => note.file), ["3.hcl"]);
  assertEquals(load('storage "inmem" {}\nstorage "inmem" {}').errors.length, 1);
});

Deno.test("the environment wins over files", () => {
  const { config, errors } = load(good + 'seal "transit" { token = "a" }', {
    VAULT_API_ADDR: "https://env:1",
    VAULT_REDIRECT_ADDR: "https://old:1",
    BAO_CLUSTER_ADDR: "https://bao:1",
    VAULT_RAFT_NODE_ID: "env-node",
    VAULT_RAFT_PATH: "/env",
    VAULT_UI: "0",
    VAULT_LOG_LEVEL: "ERROR",
    VAULT_TOKEN: "t",
    VAULT_DISABLE_USER_LOCKOUT: "true",
  });
  assertEquals(errors, []);
  assertEquals(config.settings.api_addr, "https://env:1");
  assertEquals(config.settings.cluster_addr, "https://bao:1");
  assertEquals(config.settings.ui, false);
  assertEquals(config.settings.log_level, "error");
  assert(config.storage?.type === "raft");
  assertEquals([config.storage.values.node_id, config.storage.values.path], ["env-node", "/env"]);
  assertEquals(config.seals[0]?.type === "transit" && config.seals[0].values.token, "t");
  assertEquals(lockoutFor(config, "ldap").disable_lockout, true);
  assertEquals(load("", { VAULT_SEAL_TYPE: "awskms" }).config.seals[0]?.type, "awskms");
  assertEquals(load("", { VAULT_DISABLE_USER_LOCKOUT: "1" }).config.userLockouts.length, 1);
});

Deno.test("what can't start is said before it is tried", () => {
  const problems = (text: string) =>
    checkServerConfig(load(text).config).errors.map((note) => note.message);
  assertEquals(problems(""), ["there is no storage stanza", "there is no listener stanza"]);
  const raft = problems('storage "raft" {}\nha_storage "inmem_ha" {}\nlistener "tcp" {}');
  assert(raft.some((problem) => problem.includes('needs "path"')));
  assert(raft.some((problem) => problem.includes("cluster_addr")));
  assert(raft.some((problem) => problem.includes("remove ha_storage")));
  assert(raft.some((problem) => problem.includes('"tls_cert_file" must be set')));
  const versioned = (version: string) =>
    problems(good.replace('node_id = "n1"', `autopilot_upgrade_version = "${version}"`));
  assertEquals(versioned("1.2.3-rc1"), []);
  assert(versioned("blue")[0]?.includes('"blue" is no semantic version'));
});

Deno.test("a reload tells what was applied from what waits for a restart", () => {
  const before = load(good).config;
  const text = good.replace("12h", "13h").replace("ui = true", 'ui = true\nlog_level = "debug"')
    .replace('"/data"', '"/elsewhere"').replace('"true"', '"false"').replace('"3"', '"4"');
  const { applied, needsRestart, unchanged } = diffConfig(before, load(text).config);
  assertEquals(applied.sort(), [
    "listener[0].telemetry.unauthenticated_metrics_access",
    "log_level",
    "user_lockout[all].lockout_threshold",
  ]);
  assertEquals(needsRestart.sort(), ["storage.path", "telemetry.prometheus_retention_time"]);
  assert(unchanged > 100);
  assertEquals(diffConfig(before, before).needsRestart, []);
});

Deno.test("the sanitised view shows what was given, and no secret", () => {
  const text = good + 'seal "transit" { token = "s.hush" address = "https://hush" }\n' +
    'ha_storage "postgresql" { connection_url = "postgres://u:hush@h" }';
  const view = sanitizedConfig(load(text, { CONSUL_HTTP_TOKEN: "hush" }).config);
  assert(!JSON.stringify(view).includes("hush"));
  assertEquals(view["default_lease_ttl"], 36000);
  assertEquals(view["max_lease_ttl"], 0);
  assertEquals(view["seals"], [{ type: "transit", disabled: false }]);
  assertEquals(view["storage"], {
    type: "raft",
    redirect_addr: "http://10.0.0.1:8200",
    cluster_addr: "http://10.0.0.1:8201",
    disable_clustering: false,
    raft: { max_entry_size: "" },
  });
});

Deno.test("files and directories are read in order; what is missing is named", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/b.hcl`, "ui = true");
    await Deno.writeTextFile(`${dir}/a.json`, "{}");
    await Deno.writeTextFile(`${dir}/.a.hcl.swp`, "junk");
    await Deno.writeTextFile(`${dir}/notes.txt`, "junk");
    await Deno.writeTextFile(`${dir}/plain`, "cache_size = 1");
    const names = (await readConfigFiles([`${dir}/plain`, dir])).map(({ name }) => name);
    assertEquals(names, [`${dir}/plain`, `${dir}/a.json`, `${dir}/b.hcl`]);
    await assertRejects(() => readConfigFiles([`${dir}/none`]), ConfigFileError, "none: no such");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("no text makes loading throw, and names of Object are only names", () => {
  assertEquals(load("constructor {}\n__proto__ = 1\ntoString = 2").warnings.length, 3);
  const odd = load(
    'listener "__proto__" {}\naudit "file" { options { __proto__ = "x" } }\n' +
      'service_registration "consul" { service_meta { constructor = 1 } }',
  );
  assertEquals(odd.errors.length, 1);
  const random = seeded(11);
  const next = (below: number) => Math.floor(random() * below);
  const scraps = [...'{}[]=",#\n', "null", "true", "-1", "[{}]", '"x"', "{ a = [1] }", "9e9"];
  for (let round = 0; round < 3_000; round++) {
    let text = good;
    for (let edits = 1 + next(5); edits > 0; edits--) {
      const at = next(text.length);
      text = text.slice(0, at) + (scraps[next(scraps.length)] ?? "") + text.slice(at + next(12));
    }
    const { config } = load(text);
    checkServerConfig(config);
    sanitizedConfig(config);
  }
  const values = ["[]", "{}", '""', "-5", "1.5", "[[1]]", '"none"', "true", "[{ a = 1 }]"];
  for (const line of good.split("\n").filter((text) => text.includes(" = "))) {
    for (const value of values) {
      const { config } = load(good.replace(line, line.replace(/= .*/, `= ${value}`)));
      sanitizedConfig(config);
      diffConfig(config, config);
    }
  }
});
