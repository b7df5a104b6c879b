/** The alert rules and the dashboard, without a node: each alert fires on its planted incident. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { skipUnless } from "../e2e/skip.ts";
import { dashboardExpressions, monitoring, type Rule, run } from "./tools.ts";

interface Incident {
  readonly alert: string;
  /** When it is looked for, from the start of the series. */
  readonly at: string;
  /** Values every 15 seconds, in promtool's short form. */
  readonly series: Readonly<Record<string, string>>;
}

async function rules(): Promise<readonly Rule[]> {
  const text = await Deno.readTextFile(new URL("alerts.yml", monitoring));
  const { groups }: { readonly groups: readonly { readonly rules: readonly Rule[] }[] } = parse(
    text,
  );
  return groups.flatMap((group) => group.rules);
}

const incidents: readonly Incident[] = JSON.parse(
  await Deno.readTextFile(new URL("incidents.json", import.meta.url)),
);

/** A node that is well, for an hour. */
const quiet: Incident["series"] = {
  'up{job="holdfast",instance="a"}': "1x240",
  'vault_core_unsealed{job="holdfast",instance="a",cluster="c"}': "1x240",
  'vault_core_active{job="holdfast",instance="a",cluster="c"}': "1x240",
  'vault_raft_term{instance="a"}': "3x240",
  'vault_audit_log_request_failure{instance="a"}': "0x240",
  'vault_audit_log_response_failure{instance="a"}': "0x240",
  'vault_audit_device_failing{instance="a",device="file/"}': "0x240",
  'vault_audit_device_disk_used_ratio{instance="a",device="file/"}': "0.5x240",
  'vault_http_responses{instance="a",code="200"}': "0+100x240",
  'vault_http_responses{instance="a",code="403"}': "0+50x240",
  'vault_http_responses{instance="a",code="500"}': "0x240",
  'vault_core_handle_request_sum{instance="a"}': "0+100x240",
  'vault_core_handle_request_count{instance="a"}': "0+100x240",
  'vault_expire_num_leases{instance="a"}': "9000+10x240",
  'vault_snapshot_auto_last_success_time_seconds{instance="a"}': "0x240",
  'vault_listener_certificate_expiry_time_seconds{instance="a",listener="l"}': "9000000x240",
  'vault_storage_disk_free_bytes{instance="a"}': "50x240",
  'vault_storage_disk_size_bytes{instance="a"}': "100x240",
  'vault_raft_storage_scrub_last_damages{instance="a"}': "0x240",
  'vault_raft_transition_leader_lease_timeout{instance="a"}': "1x240",
  'vault_expire_lease_expiration_time_in_queue{instance="a",quantile="0.99"}': "50x240",
};

const inputs = (series: Incident["series"]) =>
  Object.entries(series).map(([name, values]) => ({ series: name, values }));

/** YAML reads JSON, and so does promtool. */
function unitTests(ruleFile: string) {
  return {
    rule_files: [ruleFile],
    evaluation_interval: "15s",
    tests: [
      {
        interval: "15s",
        input_series: inputs(quiet),
        promql_expr_test: ["5m", "30m", "60m"].map((at) => ({
          expr: "ALERTS",
          eval_time: at,
          exp_samples: [],
        })),
      },
      ...incidents.map(({ alert, at, series }) => ({
        interval: "15s",
        input_series: inputs(series),
        promql_expr_test: [{
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
          eval_time: at,
          exp_samples: [{ labels: "{}", value: 1 }],
        }],
      })),
    ],
  };
}

Deno.test("every alert has a planted incident and a page of the runbook", async () => {
  const names = (await rules()).map(({ alert }) => alert);
  assertEquals(incidents.map(({ alert }) => alert), names);
  for (const { alert, annotations } of await rules()) {
    const page = new URL(`../runbook/${annotations.runbook}`, monitoring);
    assert((await Deno.stat(page)).isFile, alert);
  }
});

Deno.test("each alert fires on its incident, and none while all is well", async (test) => {
  const path = new URL("alerts.yml", monitoring).pathname;
  const checked = await run("promtool", ["check", "rules", path]);
  if (!skipUnless(test, checked !== undefined, "promtool (apt-get install prometheus)")) return;
  assertEquals(checked?.code, 0, checked?.text);
  const file = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(unitTests(path)));
    const tested = await run("promtool", ["test", "rules", file]);
    assertEquals(tested?.code, 0, tested?.text);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("every query of the dashboard is one", async (test) => {
  const rules = (await dashboardExpressions()).map((expr, i) => ({ record: `panel:${i}`, expr }));
  assert(rules.length > 20);
  const file = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    await Deno.writeTextFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const checked = await run("promtool", ["check", "rules", file]);
    if (!skipUnless(test, checked !== undefined, "promtool (apt-get install prometheus)")) return;
    assertEquals(checked?.code, 0, checked?.text);
  } finally {
    await Deno.remove(file);
  }
});
