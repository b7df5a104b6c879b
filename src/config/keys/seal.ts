import type { Table } from "../table.ts";

const commonKeys = {
  disabled: { type: "bool", default: false, help: "Only decrypts; for migration." },
  name: { type: "string", help: "Tells seals apart; the type when absent." },
  priority: { type: "int", min: 1, help: "The lowest is used first." },
} as const satisfies Table;

const awskms = {
  ...commonKeys,
  region: {
    type: "string",
    default: "us-east-1",
    env: ["AWS_REGION", "AWS_DEFAULT_REGION"],
    help: "Region.",
  },
  access_key: { type: "string", env: ["AWS_ACCESS_KEY_ID"], secret: true, help: "Access key." },
  secret_key: { type: "string", env: ["AWS_SECRET_ACCESS_KEY"], secret: true, help: "Its secret." },
  session_token: { type: "string", env: ["AWS_SESSION_TOKEN"], secret: true, help: "Session." },
  kms_key_id: { type: "string", env: ["VAULT_AWSKMS_SEAL_KEY_ID"], help: "Key. Required." },
  endpoint: { type: "string", env: ["AWS_KMS_ENDPOINT"], help: "Another endpoint." },
  role_arn: { type: "string", env: ["AWS_ROLE_ARN"], help: "Role to assume." },
  web_identity_token_file: {
    type: "string",
    env: ["AWS_WEB_IDENTITY_TOKEN_FILE"],
    help: "Token for the role.",
  },
  role_session_name: { type: "string", env: ["AWS_ROLE_SESSION_NAME"], help: "Session's name." },
  profile: { type: "string", env: ["AWS_PROFILE"], help: "Profile in the credentials file." },
  shared_creds_filename: {
    type: "string",
    env: ["AWS_SHARED_CREDENTIALS_FILE"],
    help: "Credentials file.",
  },
} as const satisfies Table;

const azurekeyvault = {
  ...commonKeys,
  tenant_id: { type: "string", env: ["AZURE_TENANT_ID"], help: "Tenant. Required." },
  client_id: { type: "string", env: ["AZURE_CLIENT_ID"], help: "Absent: managed identity." },
  client_secret: { type: "string", env: ["AZURE_CLIENT_SECRET"], secret: true, help: "Secret." },
  environment: {
    type: "string",
    default: "AZUREPUBLICCLOUD",
    env: ["AZURE_ENVIRONMENT"],
    help: "Cloud.",
  },
  vault_name: { type: "string", env: ["VAULT_AZUREKEYVAULT_VAULT_NAME"], help: "Required." },
  key_name: { type: "string", env: ["VAULT_AZUREKEYVAULT_KEY_NAME"], help: "Required." },
  resource: {
    type: "string",
    default: "vault.azure.net",
    env: ["AZURE_AD_RESOURCE"],
    help: "DNS suffix.",
  },
} as const satisfies Table;

const gcpckms = {
  ...commonKeys,
  credentials: {
    type: "string",
    env: ["GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"],
    help: "Path of the credentials file.",
  },
  project: { type: "string", env: ["GOOGLE_PROJECT"], help: "Required." },
  region: { type: "string", env: ["GOOGLE_REGION"], help: "Required." },
  key_ring: { type: "string", env: ["VAULT_GCPCKMS_SEAL_KEY_RING"], help: "Required." },
  crypto_key: { type: "string", env: ["VAULT_GCPCKMS_SEAL_CRYPTO_KEY"], help: "Required." },
} as const satisfies Table;

const transit = {
  ...commonKeys,
  address: { type: "string", env: ["VAULT_ADDR"], help: "URL of the other cluster. Required." },
  token: { type: "string", env: ["VAULT_TOKEN"], secret: true, help: "Token. Required." },
  key_name: { type: "string", env: ["VAULT_TRANSIT_SEAL_KEY_NAME"], help: "Required." },
  mount_path: { type: "string", env: ["VAULT_TRANSIT_SEAL_MOUNT_PATH"], help: "Required." },
  namespace: { type: "string", env: ["VAULT_NAMESPACE"], help: "Of the mount." },
  disable_renewal: {
    type: "bool",
    default: false,
    env: ["VAULT_TRANSIT_SEAL_DISABLE_RENEWAL"],
    help: "Does not renew the token.",
  },
  key_id_prefix: { type: "string", default: "", help: "Goes before key IDs." },
  tls_ca_cert: { type: "string", env: ["VAULT_CACERT"], help: "CA file." },
  tls_client_cert: { type: "string", env: ["VAULT_CLIENT_CERT"], help: "Client certificate." },
  tls_client_key: { type: "string", env: ["VAULT_CLIENT_KEY"], help: "Its key." },
  tls_server_name: { type: "string", env: ["VAULT_TLS_SERVER_NAME"], help: "Expected name." },
  tls_skip_verify: {
    type: "bool",
    default: false,
    env: ["VAULT_SKIP_VERIFY"],
    help: "Trusts any certificate.",
  },
} as const satisfies Table;

const pkcs11 = {
  ...commonKeys,
  lib: { type: "string", env: ["VAULT_HSM_LIB"], help: "PKCS#11 library. Required." },
  slot: { type: "string", env: ["VAULT_HSM_SLOT"], help: "Slot number." },
  token_label: { type: "string", env: ["VAULT_HSM_TOKEN_LABEL"], help: "Instead of the slot." },
  pin: { type: "string", env: ["VAULT_HSM_PIN"], secret: true, help: "PIN. Required." },
  key_label: { type: "string", env: ["VAULT_HSM_KEY_LABEL"], help: "Required." },
  default_key_label: {
    type: "string",
    env: ["VAULT_HSM_DEFAULT_KEY_LABEL"],
    help: "For old data.",
  },
  key_id: { type: "string", env: ["VAULT_HSM_KEY_ID"], help: "ID of the key." },
  hmac_key_label: { type: "string", env: ["VAULT_HSM_HMAC_KEY_LABEL"], help: "HMAC key." },
  default_hmac_key_label: {
    type: "string",
    env: ["VAULT_HSM_HMAC_DEFAULT_KEY_LABEL"],
    help: "For old data.",
  },
  hmac_key_id: { type: "string", env: ["VAULT_HSM_HMAC_KEY_ID"], help: "ID of the HMAC key." },
  mechanism: { type: "string", env: ["VAULT_HSM_MECHANISM"], help: "For instance 0x1087." },
  hmac_mechanism: {
    type: "string",
    default: "0x0251",
    env: ["VAULT_HSM_HMAC_MECHANISM"],
    help: "For the HMAC.",
  },
  generate_key: {
    type: "bool",
    default: false,
    env: ["VAULT_HSM_GENERATE_KEY"],
    help: "Makes missing keys.",
  },
  force_rw_session: {
    type: "bool",
    default: false,
    env: ["VAULT_HSM_FORCE_RW_SESSION"],
    help: "Opens sessions for writing.",
  },
  max_parallel: { type: "int", min: 1, help: "Sessions at a time." },
  rsa_encrypt_local: {
    type: "bool",
    default: false,
    env: ["VAULT_HSM_RSA_ENCRYPT_LOCAL"],
    help: "Public key operations in software.",
  },
  rsa_oaep_hash: {
    type: "string",
    default: "sha256",
    env: ["VAULT_HSM_RSA_OAEP_HASH"],
    help: "Hash of OAEP.",
  },
} as const satisfies Table;

/** Keys of `seal` stanzas by type. */
export const sealTables = {
  shamir: commonKeys,
  awskms,
  azurekeyvault,
  gcpckms,
  transit,
  pkcs11,
  static: {
    ...commonKeys,
    current_key_id: {
      type: "string",
      env: ["VAULT_STATIC_SEAL_CURRENT_KEY_ID"],
      help: "Required.",
    },
    current_key: {
      type: "string",
      env: ["VAULT_STATIC_SEAL_CURRENT_KEY"],
      secret: true,
      help: "32 bytes, `env://…` or `file://…`. Required.",
    },
    previous_key_id: { type: "string", env: ["VAULT_STATIC_SEAL_PREVIOUS_KEY_ID"], help: "Old." },
    previous_key: {
      type: "string",
      env: ["VAULT_STATIC_SEAL_PREVIOUS_KEY"],
      secret: true,
      help: "Only decrypts.",
    },
  },
  kmip: { ...commonKeys, settings: { type: "any", help: "Of the wrapper." } },
  alicloudkms: { ...commonKeys, settings: { type: "any", help: "Of the wrapper." } },
  ocikms: { ...commonKeys, settings: { type: "any", help: "Of the wrapper." } },
} as const satisfies Record<string, Table>;

/** Keys without which a seal can't work. */
export const requiredSealKeys: Readonly<Record<string, readonly string[]>> = {
  awskms: ["kms_key_id"],
  azurekeyvault: ["tenant_id", "vault_name", "key_name"],
  gcpckms: ["project", "region", "key_ring", "crypto_key"],
  transit: ["address", "token", "key_name", "mount_path"],
  pkcs11: ["lib", "pin", "key_label"],
  static: ["current_key_id", "current_key"],
};
