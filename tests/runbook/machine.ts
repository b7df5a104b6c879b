/**
 * A machine with Holdfast on it, as a page of the runbook finds it: the program, `systemctl` for
 * its one unit, and the variables that the runbook's README tells to set.
 */
import { environment, program, run } from "../e2e/program.ts";

const systemctl = `#!/bin/sh
# The one unit, without systemd. Ready means that it answers.
cd "$MACHINE" || exit 1
ended() { [ ! -d /proc/$1 ] || grep -q '^State:.Z' /proc/$1/status; }
case "$1" in
start)
  holdfast server -config="$HOLDFAST_CONFIG" </dev/null >>holdfast.log 2>&1 &
  echo $! >pid
  for _ in $(seq 200); do
    holdfast status >/dev/null 2>&1
    [ $? -ne 1 ] && exit 0
    sleep 0.05
  done
  cat holdfast.log >&2
  exit 1 ;;
stop)
  pid=$(cat pid) && kill "$pid" 2>/dev/null
  for _ in $(seq 400); do ended "$pid" && exit 0; sleep 0.05; done
  exit 1 ;;
restart) "$0" stop && "$0" start ;;
reload) kill -HUP "$(cat pid)" ;;
*) echo "systemctl: $1?" >&2; exit 1 ;;
esac
`;

export interface Machine extends AsyncDisposable {
  readonly folder: string;
  readonly address: string;
  readonly clusterAddress: string;
  /** Set in the environment of scripts; tests add to them. */
  readonly variables: Record<string, string>;
  /** Runs a script as an operator would. Throws with what it printed where it fails. */
  sh(script: string): Promise<string>;
}

export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

/** Machine `n` of a cluster whose first one is at `leader`; not started. */
export async function makeMachine(root: string, n: number, leader?: string): Promise<Machine> {
  const folder = `${root}/node-${n}`;
  const [port, clusterPort] = [freePort(), freePort()];
  const address = `http://127.0.0.1:${port}`;
  for (const name of ["bin", "data", "logs"]) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  }
  await executable(`${folder}/bin/systemctl`, systemctl);
  await executable(`${folder}/bin/holdfast`, `#!/bin/sh\nexec "${await program()}" "$@"\n`);
  const join = leader === undefined ? "" : `retry_join {\n leader_api_addr = "${leader}"\n }`;
  await Deno.writeTextFile(
    `${folder}/holdfast.hcl`,
    `storage "raft" {
  path = "${folder}/data"
  node_id = "node-${n}"
  performance_multiplier = 1
  ${join}
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  tls_disable = true
}
api_addr = "${address}"
cluster_addr = "https://127.0.0.1:${clusterPort}"
listener "tcp" {
  address = "127.0.0.1:${freePort()}"
  cluster_address = "127.0.0.1:${clusterPort}"
  tls_disable = true
}
`,
  );
  const variables: Record<string, string> = {
    MACHINE: folder,
    PATH: `${folder}/bin:${Deno.env.get("PATH") ?? ""}`,
    HOME: folder,
    VAULT_ADDR: address,
    HOLDFAST_CONFIG: `${folder}/holdfast.hcl`,
    HOLDFAST_DATA: `${folder}/data`,
    HOLDFAST_LOGS: `${folder}/logs`,
  };
  const sh = async (script: string) => {
    const { code, text, stdout } = await run("sh", ["-euc", script], { env: variables });
    if (code !== 0) throw new Error(`exit code ${code} of\n${script}\n\n${text}`);
    return stdout;
  };
  return {
    folder,
    address,
    clusterAddress: `127.0.0.1:${clusterPort}`,
    variables,
    sh,
    async [Symbol.asyncDispose]() {
      await run("sh", ["-c", "systemctl stop holdfast"], { env: environment(variables) });
    },
  };
}

async function executable(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text, { mode: 0o755 });
}

/** Starts and initialises a machine; its scripts have the keys and the token from now on. */
export async function bringUp(machine: Machine): Promise<void> {
  const { variables } = machine;
  await machine.sh("systemctl start holdfast");
  const init = await machine.sh(
    "holdfast operator init -key-shares=1 -key-threshold=1 -format=json",
  );
  const { unseal_keys_b64: [key], root_token }: {
    readonly unseal_keys_b64: readonly string[];
    readonly root_token: string;
  } = JSON.parse(init);
  variables.UNSEAL_KEY = key ?? "";
  variables.VAULT_TOKEN = root_token;
  await machine.sh(`holdfast operator unseal "$UNSEAL_KEY"
    until holdfast secrets list >/dev/null 2>&1; do sleep 0.05; done
    holdfast audit enable file file_path="$HOLDFAST_LOGS/audit.log"
    holdfast secrets enable -version=2 -path=secret kv
    holdfast kv put secret/canary alive=yes`);
}
