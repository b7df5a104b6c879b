import type { Table } from "../table.ts";
import { consulRegistrationKeys } from "./stanzas.ts";

/** Accepted in every storage stanza; the first three once stood only here. */
const commonKeys = {
  redirect_addr: { type: "string", aliases: ["api_addr", "advertise_addr"], help: "api_addr." },
  cluster_addr: { type: "string", help: "The node's cluster_addr." },
  disable_clustering: { type: "bool", help: "The node's disable_clustering." },
} as const satisfies Table;

const haKey = { type: "bool", default: false, help: "Keeps the lock of the active node." } as const;

const tlsFiles = {
  tls_ca_file: { type: "string", help: "CA certificates." },
  tls_cert_file: { type: "string", help: "Client certificate." },
  tls_key_file: { type: "string", help: "Key of the client certificate." },
} as const satisfies Table;

const retryJoinKeys = {
  leader_api_addr: { type: "string", help: "URL of a node to join." },
  auto_join: { type: "string", help: "`provider=dns name=…`, instead of an address." },
  auto_join_scheme: {
    type: "string",
    default: "https",
    values: ["http", "https"],
    help: "Of found nodes.",
  },
  auto_join_port: { type: "int", default: 8200, min: 1, max: 65535, help: "Of found nodes." },
  leader_tls_servername: { type: "string", help: "Name the certificate must have." },
  leader_ca_cert_file: { type: "string", help: "CA file." },
  leader_client_cert_file: { type: "string", help: "Client certificate file." },
  leader_client_key_file: { type: "string", help: "Client key file." },
  leader_ca_cert: { type: "string", help: "CA certificates, PEM." },
  leader_client_cert: { type: "string", help: "Client certificate, PEM." },
  leader_client_key: { type: "string", secret: true, help: "Client key, PEM." },
} as const satisfies Table;

const raftKeys = {
  ...commonKeys,
  path: { type: "string", env: ["VAULT_RAFT_PATH"], help: "Data directory. Required." },
  node_id: { type: "string", env: ["VAULT_RAFT_NODE_ID"], help: "Name in the group." },
  performance_multiplier: { type: "int", default: 0, min: 0, max: 10, help: "1 is the fastest." },
  trailing_logs: { type: "int", default: 10000, min: 0, help: "Entries kept after a snapshot." },
  snapshot_threshold: { type: "int", default: 8192, min: 1, help: "Entries between snapshots." },
  snapshot_interval: { type: "duration", default: 120, min: 1, help: "Time between checks." },
  max_entry_size: { type: "size", default: 1048576, min: 1024, help: "Largest value." },
  max_transaction_size: { type: "size", default: 8388608, min: 1024, help: "Largest batch." },
  retry_join: { type: "blocks", of: retryJoinKeys, help: "Nodes to join when empty." },
  retry_join_as_non_voter: {
    type: "bool",
    default: false,
    env: ["VAULT_RAFT_RETRY_JOIN_AS_NON_VOTER"],
    help: "Joins as a read replica.",
  },
  autopilot_reconcile_interval: { type: "duration", default: 10, min: 0, help: "Promotion." },
  autopilot_update_interval: { type: "duration", default: 2, min: 0, help: "Health." },
  autopilot_upgrade_version: {
    type: "string",
    default: "",
    env: ["VAULT_RAFT_AUTOPILOT_UPGRADE_VERSION"],
    help: "Version for upgrades.",
  },
  autopilot_redundancy_zone: {
    type: "string",
    default: "",
    env: ["VAULT_RAFT_AUTOPILOT_REDUNDANCY_ZONE"],
    help: "Zone of this node.",
  },
  cluster_tls_rotation_interval: {
    type: "duration",
    default: 86400,
    min: 0,
    help: "Age at which the nodes' TLS key is changed; 0: never.",
  },
  raft_wal: { type: "bool", default: false, noEffect: true, help: "Another log format." },
  raft_log_verifier_enabled: { type: "bool", default: true, help: "Checks log entries." },
  raft_log_verification_interval: { type: "duration", default: 60, min: 1, help: "How often." },
} as const satisfies Table;

const consulKeys = {
  ...commonKeys,
  ...consulRegistrationKeys,
  path: { type: "string", default: "vault/", help: "Prefix of keys." },
  consistency_mode: {
    type: "string",
    default: "default",
    values: ["default", "strong"],
    help: "Of reads.",
  },
  max_parallel: { type: "int", default: 128, min: 1, help: "Requests at a time." },
  session_ttl: { type: "duration", default: 15, min: 1, help: "Of the lock's session." },
  lock_wait_time: { type: "duration", default: 15, min: 1, help: "For the lock." },
  ha_enabled: { ...haKey, default: true },
} as const satisfies Table;

const etcdKeys = {
  ...commonKeys,
  ...tlsFiles,
  address: { type: "string", default: "http://localhost:2379", env: ["ETCD_ADDR"], help: "URLs." },
  path: { type: "string", default: "/vault/", help: "Prefix of keys." },
  etcd_api: { type: "string", default: "v3", values: ["v3", "auto"], help: "Version." },
  ha_enabled: { ...haKey, env: ["ETCD_HA_ENABLED"] },
  sync: { type: "bool", default: true, help: "Learns all members." },
  username: { type: "string", env: ["ETCD_USERNAME"], help: "User." },
  password: { type: "string", env: ["ETCD_PASSWORD"], secret: true, help: "Password." },
  discovery_srv: { type: "string", help: "Domain with SRV records." },
  discovery_srv_name: { type: "string", default: "vault", help: "Service in them." },
  request_timeout: { type: "duration", default: 5, min: 0, help: "Of a request." },
  lock_timeout: { type: "duration", default: 15, min: 1, help: "Of the lock." },
  dial_keepalive_time: { type: "duration", default: 10, min: 0, help: "Between probes." },
  dial_keepalive_timeout: { type: "duration", default: 3, min: 0, help: "Of a probe." },
  max_receive_size: { type: "size", help: "Largest answer." },
  max_send_size: { type: "size", help: "Largest request." },
} as const satisfies Table;

const zookeeperKeys = {
  ...commonKeys,
  ...tlsFiles,
  address: { type: "string", default: "localhost:2181", help: "Hosts with commas." },
  path: { type: "string", default: "vault/", help: "Root node." },
  auth_info: { type: "string", secret: true, help: "scheme:credentials." },
  znode_owner: { type: "string", help: "Owner of made nodes." },
  tls_enabled: { type: "bool", default: false, help: "TLS." },
  tls_min_version: { type: "string", default: "tls12", help: "Lowest TLS version." },
  tls_skip_verify: { type: "bool", default: false, help: "Trusts any certificate." },
  tls_verify_ip: { type: "bool", default: false, help: "Checks the address too." },
} as const satisfies Table;

const postgresqlKeys = {
  ...commonKeys,
  connection_url: {
    type: "string",
    env: ["VAULT_PG_CONNECTION_URL"],
    secret: true,
    help: "Database. Required.",
  },
  table: { type: "string", default: "vault_kv_store", help: "Table of entries." },
  ha_enabled: haKey,
  ha_table: { type: "string", default: "vault_ha_locks", help: "Table of locks." },
  max_idle_connections: { type: "int", min: 0, help: "Idle connections kept." },
  max_parallel: { type: "int", default: 128, min: 1, help: "Connections." },
  skip_create_table: { type: "bool", default: false, help: "The tables are there." },
  max_connect_retries: { type: "int", default: 1, min: 0, help: "At start." },
} as const satisfies Table;

const s3Keys = {
  ...commonKeys,
  bucket: { type: "string", env: ["AWS_S3_BUCKET"], help: "Bucket. Required." },
  endpoint: { type: "string", env: ["AWS_S3_ENDPOINT"], help: "URL of another S3." },
  region: {
    type: "string",
    default: "us-east-1",
    env: ["AWS_REGION", "AWS_DEFAULT_REGION"],
    help: "Region.",
  },
  access_key: { type: "string", env: ["AWS_ACCESS_KEY_ID"], secret: true, help: "Access key." },
  secret_key: { type: "string", env: ["AWS_SECRET_ACCESS_KEY"], secret: true, help: "Its secret." },
  session_token: { type: "string", env: ["AWS_SESSION_TOKEN"], secret: true, help: "Session." },
  path: { type: "string", default: "", help: "Prefix of objects." },
  max_parallel: { type: "int", default: 128, min: 1, help: "Requests at a time." },
  s3_force_path_style: { type: "bool", default: false, help: "Bucket in the path." },
  disable_ssl: { type: "bool", default: false, help: "Plain HTTP." },
  kms_key_id: { type: "string", help: "Key of server-side encryption." },
  ha_enabled: { ...haKey, env: ["S3_STORAGE_HA_ENABLED"] },
} as const satisfies Table;

/** Keys of `storage` and `ha_storage` by type. */
export const storageTables = {
  raft: raftKeys,
  consul: consulKeys,
  etcd: etcdKeys,
  zookeeper: zookeeperKeys,
  postgresql: postgresqlKeys,
  s3: s3Keys,
  file: { ...commonKeys, path: { type: "string", help: "Folder. Required." } },
  inmem: commonKeys,
  inmem_ha: commonKeys,
} as const satisfies Record<string, Table>;

/** Keys without which a storage can't start. */
export const requiredStorageKeys: Readonly<Record<string, readonly string[]>> = {
  raft: ["path"],
  file: ["path"],
  postgresql: ["connection_url"],
  s3: ["bucket"],
};
