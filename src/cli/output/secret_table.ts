/** The table of a secret, and its single fields. */
import { asNumber, asObject, asText, type Json } from "../json.ts";
import { shortDuration } from "../duration.ts";
import type { Secret } from "../client/secret.ts";
import { quotedList, valueText } from "./value_text.ts";

type Row = readonly [string, string];

/** Rows of everything a secret holds. */
export function secretRows(secret: Secret): Row[] {
  return [
    ...(secret.auth === undefined ? [] : authRows(secret)),
    ...(secret.wrapInfo === undefined ? [] : wrapRows(secret)),
    ...leaseRows(secret),
    ...dataRows(asObject(secret.data)),
  ];
}

/** Rows of a plain object, by key; numbers that are lengths of time become readable. */
export function dataRows(data: Readonly<Record<string, Json>>): Row[] {
  return Object.keys(data).sort().map((key): Row => [key, cell(key, data[key] ?? null)]);
}

function cell(key: string, value: Json): string {
  if (isLengthOfTime(key) && typeof value === "number") return shortDuration(value);
  return valueText(value);
}

function isLengthOfTime(key: string): boolean {
  return /(^|_)(ttl|duration|period)$/.test(key) || /^(lease_max|ttl_max)$/.test(key);
}

function authRows({ auth }: Secret): Row[] {
  const { mfa_requirement: mfa, ...rest } = asObject(auth);
  const requirement = asObject(mfa);
  if (asText(requirement.mfa_request_id) !== "") {
    const constraints = asObject(requirement.mfa_constraints);
    return [
      ["mfa_request_id", asText(requirement.mfa_request_id)],
      ...Object.keys(constraints).sort().map((name): Row => [
        `mfa_constraint_${name}`,
        valueText(constraints[name] ?? null),
      ]),
    ];
  }
  const metadata = asObject(rest.metadata);
  return [
    ["token", asText(rest.client_token)],
    ["token_accessor", asText(rest.accessor)],
    ["token_duration", tokenDuration(rest.lease_duration)],
    ["token_renewable", String(rest.renewable === true)],
    ["token_policies", quotedList(rest.token_policies)],
    ["identity_policies", quotedList(rest.identity_policies)],
    ["policies", quotedList(rest.policies)],
    ...Object.keys(metadata).sort().map((key): Row => [
      `token_meta_${key}`,
      valueText(metadata[key] ?? null),
    ]),
  ];
}

/** A token without an end has no duration. */
function tokenDuration(seconds: Json | undefined): string {
  return asNumber(seconds) === 0 ? "∞" : shortDuration(asNumber(seconds));
}

function wrapRows({ wrapInfo }: Secret): Row[] {
  const info = asObject(wrapInfo);
  const accessor = asText(info.wrapped_accessor);
  return [
    ["wrapping_token:", asText(info.token)],
    ["wrapping_accessor:", asText(info.accessor)],
    ["wrapping_token_ttl:", shortDuration(asNumber(info.ttl))],
    ["wrapping_token_creation_time:", spacedTime(asText(info.creation_time))],
    ["wrapping_token_creation_path:", asText(info.creation_path)],
    ...(accessor === "" ? [] : [["wrapped_accessor:", accessor] as const]),
  ];
}

/** `2026-01-02 03:04:05.6 +0000 UTC` for an RFC 3339 time in UTC. */
function spacedTime(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T([\d:.]+)Z$/.exec(text);
  return match === null ? text : `${match[1]} ${match[2]} +0000 UTC`;
}

function leaseRows(secret: Secret): Row[] {
  if (secret.leaseDuration <= 0) return [];
  if (secret.leaseId === "") return [["refresh_interval", shortDuration(secret.leaseDuration)]];
  return [
    ["lease_id", secret.leaseId],
    ["lease_duration", shortDuration(secret.leaseDuration)],
    ["lease_renewable", String(secret.renewable)],
  ];
}

/** One field of a secret by its name in the table; undefined where it has none such. */
export function secretField(secret: Secret, name: string): Json | undefined {
  const auth = secret.auth;
  const wrapping = secret.wrapInfo;
  switch (name) {
    case "token":
      if (auth !== undefined) return auth.client_token;
      break;
    case "token_accessor":
      if (auth !== undefined) return auth.accessor;
      break;
    case "token_duration":
      if (auth !== undefined) return auth.lease_duration;
      break;
    case "token_renewable":
      if (auth !== undefined) return auth.renewable;
      break;
    case "token_policies":
    case "identity_policies":
    case "policies":
      if (auth !== undefined) return auth[name] ?? [];
      break;
    case "wrapping_token":
      return wrapping?.token;
    case "wrapping_accessor":
      return wrapping?.accessor;
    case "wrapping_token_ttl":
      return wrapping?.ttl;
    case "wrapping_token_creation_time":
      return wrapping?.creation_time;
    case "wrapping_token_creation_path":
      return wrapping?.creation_path;
    case "wrapped_accessor":
      return wrapping?.wrapped_accessor;
    case "lease_id":
      if (secret.leaseId !== "") return secret.leaseId;
      break;
    case "lease_renewable":
      if (secret.leaseId !== "") return secret.renewable;
      break;
    case "lease_duration":
    case "refresh_interval":
      if (secret.leaseDuration > 0 && secret.data?.[name] === undefined) {
        return secret.leaseDuration;
      }
      break;
  }
  const data = asObject(secret.data);
  return Object.hasOwn(data, name) ? data[name] : undefined;
}
