import type { Table } from "../table.ts";

export const userLockoutKeys = {
  lockout_threshold: {
    type: "int",
    default: 5,
    min: 0,
    reload: true,
    help: "Failed logins that lock a user; 0 for never.",
  },
  lockout_duration: {
    type: "duration",
    default: 900,
    min: 0,
    reload: true,
    help: "How long a user stays locked.",
  },
  lockout_counter_reset: {
    type: "duration",
    default: 900,
    min: 0,
    reload: true,
    help: "Time without a failure after which counting starts again.",
  },
  disable_lockout: {
    type: "bool",
    default: false,
    env: ["VAULT_DISABLE_USER_LOCKOUT"],
    reload: true,
    help: "Never locks a user.",
  },
} as const satisfies Table;

export const consulRegistrationKeys = {
  address: { type: "string", default: "127.0.0.1:8500", help: "Consul agent." },
  check_timeout: { type: "duration", default: 5, min: 0, help: "Interval of the health check." },
  disable_registration: { type: "bool", default: false, help: "Registers nothing." },
  scheme: { type: "string", default: "http", values: ["http", "https"], help: "Protocol." },
  service: { type: "string", default: "vault", help: "Name of the service." },
  service_tags: { type: "strings", default: [], help: "Tags of the service." },
  service_meta: { type: "labels", default: {}, help: "Metadata of the service." },
  service_address: { type: "string", help: "Address of the service instead of the node's." },
  token: { type: "string", env: ["CONSUL_HTTP_TOKEN"], secret: true, help: "ACL token." },
  tls_ca_file: { type: "string", help: "CA certificates." },
  tls_cert_file: { type: "string", help: "Client certificate." },
  tls_key_file: { type: "string", help: "Key of the client certificate." },
  tls_min_version: { type: "string", default: "tls12", help: "Lowest TLS version." },
  tls_skip_verify: { type: "bool", default: false, help: "Trusts any certificate." },
} as const satisfies Table;

export const kubernetesRegistrationKeys = {
  namespace: { type: "string", env: ["VAULT_K8S_NAMESPACE"], help: "Namespace of the pod." },
  pod_name: { type: "string", env: ["VAULT_K8S_POD_NAME"], help: "Name of the pod." },
} as const satisfies Table;

/** An audit device declared in the file, as in the peer: `audit "file" "name" { options {} }`. */
export const auditKeys = {
  path: { type: "string", help: "Mount path; the label when absent." },
  description: { type: "string", default: "", help: "For people." },
  local: { type: "bool", default: false, help: "Not replicated." },
  options: { type: "labels", default: {}, help: "Options of the device." },
} as const satisfies Table;

export const replicationKeys = {
  resolver_discover_servers: { type: "bool", default: true, help: "Learns the primary's nodes." },
  logshipper_buffer_length: { type: "int", default: 16384, min: 1, help: "Entries kept to send." },
  logshipper_buffer_size: { type: "size", default: 0, min: 0, help: "Bytes kept to send." },
  allow_forwarding_via_header: { type: "bool", default: false, help: "Heeds X-Vault-Forward." },
  best_effort_wal_wait_duration: {
    type: "duration",
    default: 0,
    min: 0,
    help: "Longest wait for a state that a client has seen.",
  },
  allow_forwarding_via_token: { type: "string", default: "", help: "`new_token` forwards reads." },
} as const satisfies Table;

/** Telemetry of the whole node. */
export const telemetryKeys = {
  usage_gauge_period: {
    type: "duration",
    default: 600,
    none: true,
    reload: true,
    help: "Interval of the gauges that count what is stored; none turns them off.",
  },
  maximum_gauge_cardinality: { type: "int", default: 500, min: 0, help: "Label sets a gauge has." },
  disable_hostname: { type: "bool", default: false, help: "No host name in gauge names." },
  enable_hostname_label: { type: "bool", default: false, help: "Host name as a label." },
  metrics_prefix: { type: "string", default: "vault", help: "First part of all names." },
  lease_metrics_epsilon: { type: "duration", default: 3600, min: 1, help: "Width of a bucket." },
  num_lease_metrics_buckets: { type: "int", default: 168, min: 1, help: "Buckets of expiry." },
  add_lease_metrics_namespace_labels: { type: "bool", default: false, help: "Namespace labels." },
  add_mount_point_rollback_metrics: { type: "bool", default: false, help: "Per-mount metrics." },
  filter_default: { type: "bool", default: true, help: "Passes what no prefix_filter names." },
  prefix_filter: { type: "strings", default: [], help: "`+prefix` passes, `-prefix` blocks." },
  prometheus_retention_time: {
    type: "duration",
    default: 86400,
    min: 0,
    help: "0 turns the Prometheus form off; no series is ever forgotten.",
  },
  unauthenticated_metrics_access: {
    type: "bool",
    default: false,
    reload: true,
    help: "sys/metrics needs no token, on any listener.",
  },
  statsd_address: { type: "string", default: "", help: "statsd server (UDP)." },
  statsite_address: { type: "string", default: "", help: "statsite server (TCP)." },
  dogstatsd_addr: { type: "string", default: "", help: "DogStatsD server." },
  dogstatsd_tags: { type: "strings", default: [], help: "Tags for DogStatsD." },
  otlp_endpoint: {
    type: "string",
    default: "",
    help: "OpenTelemetry collector (OTLP over HTTP, JSON), such as http://127.0.0.1:4318.",
  },
  otlp_trace_percent: {
    type: "int",
    default: 0,
    min: 0,
    max: 100,
    help: "Requests in a hundred that are traced, beside those whose caller traces them; 0: none.",
  },
  circonus_api_token: { type: "string", default: "", secret: true, noEffect: true, help: "-" },
  circonus_api_app: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_api_url: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_submission_interval: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_submission_url: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_check_id: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_check_force_metric_activation: {
    type: "string",
    default: "",
    noEffect: true,
    help: "-",
  },
  circonus_check_instance_id: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_check_search_tag: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_check_tags: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_check_display_name: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_broker_id: { type: "string", default: "", noEffect: true, help: "-" },
  circonus_broker_select_tag: { type: "string", default: "", noEffect: true, help: "-" },
  stackdriver_project_id: { type: "string", default: "", noEffect: true, help: "-" },
  stackdriver_location: { type: "string", default: "", noEffect: true, help: "-" },
  stackdriver_namespace: { type: "string", default: "", noEffect: true, help: "-" },
  stackdriver_debug_logs: { type: "bool", default: false, noEffect: true, help: "-" },
} as const satisfies Table;
