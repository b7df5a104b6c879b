import type { Table } from "../table.ts";

const accessKeys = {
  unauthenticated_metrics_access: {
    type: "bool",
    default: false,
    reload: true,
    help: "sys/metrics without a token.",
  },
  disallow_metrics: { type: "bool", default: false, help: "No sys/metrics on this listener." },
  metrics_only: { type: "bool", default: false, help: "Nothing but metrics on this listener." },
  metrics_path: { type: "string", default: "", help: "Another path for metrics." },
} as const satisfies Table;

const requestKeys = {
  max_request_size: { type: "size", default: 33554432, reload: true, help: "Below 0: no limit." },
  max_request_duration: { type: "duration", reload: true, help: "Instead of the node's default." },
  max_token_header_size: { type: "size", default: 8192, reload: true, help: "Below 0: no limit." },
  disable_request_limiter: {
    type: "bool",
    default: false,
    reload: true,
    help: "As many requests at a time as come.",
  },
  max_json_depth: { type: "int", default: 500, min: 0, reload: true, help: "Nesting of bodies." },
  max_json_string_value_length: {
    type: "size",
    default: 1048576,
    min: 0,
    reload: true,
    help: "Longest string in a body.",
  },
  max_json_object_entry_count: {
    type: "int",
    default: 10000,
    min: 0,
    reload: true,
    help: "Entries of an object in a body.",
  },
  max_json_array_element_count: {
    type: "int",
    default: 10000,
    min: 0,
    reload: true,
    help: "Elements of a list in a body.",
  },
  max_json_token: { type: "int", default: 500000, min: 0, reload: true, help: "Tokens of a body." },
  max_request_json_memory: { type: "size", default: 0, help: "The peer's limit of a body." },
  max_request_json_strings: { type: "int", default: 0, help: "The peer's limit of a body." },
  http_idle_timeout: { type: "duration", default: 300, min: 0, help: "Idle connections." },
  http_read_header_timeout: { type: "duration", default: 10, min: 0, help: "Slow headers." },
  http_read_timeout: { type: "duration", default: 30, min: 0, help: "Slow bodies." },
  http_write_timeout: { type: "duration", default: 0, min: 0, help: "Slow readers; 0: none." },
} as const satisfies Table;

const tlsKeys = {
  tls_disable: { type: "bool", default: false, help: "Plain HTTP." },
  tls_cert_file: { type: "string", reload: true, help: "Certificate chain, PEM." },
  tls_key_file: { type: "string", reload: true, help: "Private key, PEM." },
  tls_min_version: {
    type: "string",
    default: "tls12",
    values: ["tls10", "tls11", "tls12", "tls13"],
    help: "Lowest TLS version.",
  },
  tls_max_version: {
    type: "string",
    default: "tls13",
    values: ["tls10", "tls11", "tls12", "tls13"],
    help: "Highest TLS version.",
  },
  tls_cipher_suites: { type: "strings", default: [], help: "Suites of TLS 1.2." },
  tls_prefer_server_cipher_suites: { type: "bool", default: false, noEffect: true, help: "Old." },
  tls_require_and_verify_client_cert: { type: "bool", default: false, help: "Clients need one." },
  tls_client_ca_file: { type: "string", help: "CA of client certificates." },
  tls_disable_client_certs: { type: "bool", default: false, help: "Asks for none." },
  tls_acme_cache_path: { type: "string", help: "Folder of ACME certificates." },
  tls_acme_ca_directory: { type: "string", help: "URL of the ACME directory." },
  tls_acme_ca_root: { type: "string", help: "CA of the ACME server." },
  tls_acme_eab_key_id: { type: "string", help: "External account binding." },
  tls_acme_eab_mac_key: { type: "string", secret: true, help: "External account binding." },
  tls_acme_key_type: { type: "string", help: "Key type of certificates." },
  tls_acme_email: { type: "string", help: "Contact of the ACME account." },
  tls_acme_domains: { type: "strings", default: [], help: "Names to get certificates for." },
  tls_acme_disable_http_challenge: { type: "bool", default: false, help: "No HTTP-01." },
  tls_acme_disable_alpn_challenge: { type: "bool", default: false, help: "No TLS-ALPN-01." },
} as const satisfies Table;

const proxyKeys = {
  proxy_protocol_behavior: {
    type: "string",
    default: "",
    values: ["", "use_always", "allow_authorized", "deny_unauthorized"],
    help: "Whose PROXY protocol lines are heeded.",
  },
  proxy_protocol_authorized_addrs: { type: "strings", default: [], help: "Trusted senders." },
  x_forwarded_for_authorized_addrs: {
    type: "strings",
    default: [],
    reload: true,
    help: "Trusted proxies; turns X-Forwarded-For on.",
  },
  x_forwarded_for_hop_skips: {
    type: "int",
    default: 0,
    min: 0,
    reload: true,
    help: "Hops to skip, counted from the rear.",
  },
  x_forwarded_for_reject_not_authorized: {
    type: "bool",
    default: true,
    reload: true,
    help: "Refuses other senders of the header.",
  },
  x_forwarded_for_reject_not_present: {
    type: "bool",
    default: true,
    reload: true,
    help: "Refuses trusted proxies without it.",
  },
  x_forwarded_for_client_cert_header: { type: "string", reload: true, help: "Header with it." },
  x_forwarded_for_client_cert_header_decoders: {
    type: "strings",
    default: [],
    reload: true,
    aliases: ["x_forwarded_for_client_cert_header_cert_decoders"],
    help: "BASE64, DER, URL in their order.",
  },
} as const satisfies Table;

const answerKeys = {
  chroot_namespace: { type: "string", default: "", help: "Namespace all requests are under." },
  redact_addresses: { type: "bool", default: false, reload: true, help: "Hides addresses." },
  redact_cluster_name: { type: "bool", default: false, reload: true, help: "Hides the name." },
  redact_version: { type: "bool", default: false, reload: true, help: "Hides the version." },
  disable_replication_status_endpoints: { type: "bool", default: false, help: "Hides them." },
  disable_unauthed_rekey_endpoints: { type: "bool", default: false, help: "As in the peer." },
  disable_unauthed_generate_root_endpoints: { type: "bool", default: false, help: "As there." },
  cors_enabled: { type: "bool", default: false, help: "CORS on this listener." },
  cors_allowed_origins: { type: "strings", default: [], help: "Origins, or `*`." },
  cors_allowed_headers: { type: "strings", default: [], help: "Headers beside the usual." },
  require_request_header: { type: "bool", default: false, help: "Demands X-Vault-Request." },
  custom_response_headers: {
    type: "headers",
    default: {},
    reload: true,
    help: "Headers by status; the most specific wins.",
  },
  telemetry: { type: "block", of: accessKeys, reload: true, help: "Metrics here." },
  profiling: {
    type: "block",
    of: {
      unauthenticated_pprof_access: {
        type: "bool",
        default: false,
        reload: true,
        help: "sys/pprof without a token.",
      },
    },
    help: "Profiles here.",
  },
  inflight_requests_logging: {
    type: "block",
    of: {
      unauthenticated_in_flight_requests_access: {
        type: "bool",
        default: false,
        reload: true,
        help: "sys/in-flight-req without a token.",
      },
    },
    help: "Requests in flight here.",
  },
} as const satisfies Table;

/** `listener "tcp"` and, with its own keys, `listener "unix"`. */
export const listenerKeys = {
  address: { type: "string", default: "127.0.0.1:8200", help: "Host and port, or socket path." },
  cluster_address: { type: "string", help: "Host and port for other nodes; the port + 1." },
  socket_mode: { type: "string", help: "Mode of a unix socket, for instance 0660." },
  socket_user: { type: "string", help: "Owner of a unix socket." },
  socket_group: { type: "string", help: "Group of a unix socket." },
  ...requestKeys,
  ...tlsKeys,
  ...proxyKeys,
  ...answerKeys,
} as const satisfies Table;
