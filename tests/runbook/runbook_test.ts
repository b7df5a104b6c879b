/** Every command of every page of the runbook, run on real nodes that have the page's problem. */
import { assert, assertEquals } from "@std/assert";
import { scratch } from "../../src/server/testing.ts";
import { bringUp, type Machine, makeMachine } from "./machine.ts";
import { blocksOf, pageNames } from "./page.ts";

interface Scenario {
  /** Members of the cluster; one where absent. */
  readonly members?: number;
  /** Machines beside it, which are not started. */
  readonly spare?: number;
  /** Brings the bad day about, on the first machine unless it chooses others. */
  prepare(first: Machine, others: readonly Machine[]): Promise<void>;
  /** What must be true when the page is done. */
  check?(first: Machine, others: readonly Machine[]): Promise<void>;
}

const canary = async (machine: Machine) => {
  assertEquals((await machine.sh("holdfast kv get -field=alive secret/canary")).trim(), "yes");
};

const userAnn = `holdfast auth enable userpass
holdfast write auth/userpass/users/ann password=secret`;

const scenarios: Readonly<Record<string, Scenario>> = {
  "audit-blocked.md": {
    async prepare(first) {
      await first.sh(`mv "$HOLDFAST_LOGS/audit.log" "$HOLDFAST_LOGS/audit.log.0"
        mkdir "$HOLDFAST_LOGS/audit.log"; sleep 1.1
        ! holdfast secrets list; rmdir "$HOLDFAST_LOGS/audit.log"`);
    },
    async check(first) {
      const log = await Deno.readTextFile(`${first.folder}/logs/audit.log`);
      assert(log.includes('"path":"sys/audit/file"'), "the file was opened anew");
    },
  },
  "cannot-log-in.md": {
    prepare: async (first) => {
      await first.sh(`${userAnn}
        for i in 1 2 3 4 5; do ! holdfast login -method=userpass username=ann password=x; done`);
    },
    check: async (first) => {
      await first.sh("holdfast login -method=userpass -no-store username=ann password=secret");
    },
  },
  "compromise.md": {
    prepare: async (first) => {
      await first.sh(userAnn);
      const token = await first.sh(
        "holdfast login -method=userpass -no-store -token-only username=ann password=secret",
      );
      first.variables.STOLEN_TOKEN = token.trim();
      await first.sh('VAULT_TOKEN="$STOLEN_TOKEN" holdfast token lookup');
    },
    check: async (first) => {
      await first.sh('! VAULT_TOKEN="$STOLEN_TOKEN" holdfast token lookup');
    },
  },
  "disk-full.md": { prepare: () => Promise.resolve(), check: canary },
  "lost-quorum.md": {
    members: 3,
    prepare: async (_first, others) => {
      for (const other of others) await other.sh("systemctl stop holdfast");
    },
    check: canary,
  },
  "lost-root-token.md": {
    prepare: async (first) => {
      first.variables.LOST_TOKEN = first.variables.VAULT_TOKEN ?? "";
      await first.sh("holdfast token revoke -self");
    },
    check: async (first) => {
      await first.sh('! VAULT_TOKEN="$LOST_TOKEN" holdfast token lookup');
    },
  },
  "lost-secret.md": {
    prepare: async (first) => {
      first.variables.SNAPSHOT = `${first.folder}/good.snap`;
      await first.sh(`holdfast secrets enable -version=2 -path=gone kv
        holdfast kv put secret/team/a of=then
        holdfast kv put secret/team/deep/b of=then
        holdfast kv put gone/c of=then
        holdfast operator raft snapshot save "$SNAPSHOT"
        holdfast kv put secret/canary alive=no
        holdfast kv put secret/after of=now
        holdfast kv metadata delete secret/team/a
        holdfast kv put secret/team/deep/b of=now
        holdfast secrets disable gone`);
    },
    check: async (first) => {
      await canary(first);
      const of = async (key: string) =>
        (await first.sh(`holdfast kv get -field=of "${key}"`)).trim();
      for (const key of ["secret/team/a", "secret/team/deep/b", "gone/c"]) {
        assertEquals(await of(key), "then", key);
      }
      assertEquals(await of("secret/after"), "now");
      assertEquals(
        (await first.sh("holdfast kv get -field=alive secret/canary-then")).trim(),
        "yes",
      );
    },
  },
  "node-replacement.md": {
    members: 3,
    prepare: async (_first, [, third]) => {
      await third?.sh('kill -9 "$(cat "$MACHINE/pid")"');
    },
    check: canary,
  },
  "restore.md": {
    spare: 1,
    prepare: async (first, [second]) => {
      assert(second !== undefined);
      const { variables } = first;
      variables.SNAPSHOT = `${first.folder}/good.snap`;
      second.variables.SNAPSHOT = variables.SNAPSHOT;
      second.variables.UNSEAL_KEY = variables.UNSEAL_KEY ?? "";
      await first.sh(`holdfast operator raft snapshot save "$SNAPSHOT"
        holdfast kv put secret/canary alive=no`);
    },
    check: async (first, [second]) => {
      await canary(first);
      assert(second !== undefined);
      second.variables.VAULT_TOKEN = first.variables.VAULT_TOKEN ?? "";
      await second.sh("until holdfast kv get secret/canary; do sleep 0.2; done");
      await canary(second);
    },
  },
  "sealed.md": {
    prepare: async (first) => {
      await first.sh("holdfast operator seal");
    },
    check: canary,
  },
  "slow-requests.md": {
    prepare: async (first) => {
      await first.sh(userAnn);
    },
  },
  "split-brain.md": {
    members: 3,
    // Cut off as a process that stands still is: the others go on without it.
    prepare: async (_first, [second]) => {
      await second?.sh(
        'kill -STOP "$(cat "$MACHINE/pid")"; sleep 2; kill -CONT "$(cat "$MACHINE/pid")"',
      );
    },
    check: canary,
  },
  "will-not-start.md": {
    prepare: async (first) => {
      const { variables } = first;
      variables.ROOT_TOKEN = variables.VAULT_TOKEN ?? "";
      await Deno.writeTextFile(`${first.folder}/holdfast.hcl`, "raw_storage_endpoint = true\n", {
        append: true,
      });
      await first.sh(`systemctl restart holdfast
        holdfast operator unseal "$UNSEAL_KEY"
        until holdfast secrets list >/dev/null 2>&1; do sleep 0.05; done`);
      const { data }: { data: Record<string, { uuid: string }> } = JSON.parse(
        await first.sh("holdfast read -format=json sys/mounts"),
      );
      await first.sh(`
        holdfast operator raw write -force "core/mounts/${data["secret/"]?.uuid}" '{"path":'
        systemctl restart holdfast
        ! holdfast operator unseal "$UNSEAL_KEY"`);
    },
    check: async (first) => {
      first.variables.VAULT_TOKEN = first.variables.ROOT_TOKEN ?? "";
      await canary(first);
    },
  },
  "upgrade.md": { prepare: () => Promise.resolve(), check: canary },
};

/** Blocks are typed into one shell: what one exports, the next one has. */
function inOneShell(script: string): string {
  return `cd "$MACHINE"; [ ! -e exported ] || . ./exported\n${script}\nexport -p >exported`;
}

/** The members of a cluster, unsealed, and the spare machines. */
async function machinesFor(
  root: string,
  stack: AsyncDisposableStack,
  { members = 1, spare = 0 }: Scenario,
): Promise<[Machine, ...Machine[]]> {
  const first = stack.use(await makeMachine(root, 1));
  await bringUp(first);
  const others: Machine[] = [];
  for (let n = 2; n <= members; n++) {
    const member = stack.use(await makeMachine(root, n, first.address));
    Object.assign(member.variables, {
      UNSEAL_KEY: first.variables.UNSEAL_KEY,
      VAULT_TOKEN: first.variables.VAULT_TOKEN,
    });
    await member.sh(`systemctl start holdfast
      until holdfast operator unseal "$UNSEAL_KEY"; do sleep 0.1; done`);
    await first.sh(
      `until holdfast operator raft list-peers | grep 'node-${n}.*true'; do sleep 0.1; done`,
    );
    others.push(member);
  }
  for (let n = 1; n <= spare; n++) {
    others.push(stack.use(await makeMachine(root, members + n)));
  }
  return [first, ...others];
}

Deno.test("every page has a bad day to prove itself on, and the README lists them all", async () => {
  const names = await pageNames();
  assertEquals(names, Object.keys(scenarios).sort());
  const readme = await Deno.readTextFile(
    new URL("../../systemd/runbook/README.md", import.meta.url),
  );
  for (const name of names) assert(readme.includes(`(${name})`), name);
});

for (const [page, scenario] of Object.entries(scenarios)) {
  Deno.test(`runbook: ${page}`, async () => {
    await using folder = await scratch();
    await using stack = new AsyncDisposableStack();
    const machines = await machinesFor(folder.path, stack, scenario);
    const [first, ...others] = machines;
    await scenario.prepare(first, others);
    for (const { machine, script, line } of await blocksOf(page)) {
      const on = machines[machine - 1];
      assert(on !== undefined, `${page}:${line}: there is no machine ${machine}`);
      try {
        await on.sh(inOneShell(script));
      } catch (cause) {
        throw new Error(`systemd/runbook/${page}:${line} failed`, { cause });
      }
    }
    await scenario.check?.(first, others);
  });
}
