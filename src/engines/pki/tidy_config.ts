/** What tidying is told, by a request or by `config/auto-tidy`. */
import { type Bytes, fromUtf8, storedText, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field, type FieldMap, type FieldValue } from "../../backend/field.ts";
import { formatDuration, parseDuration } from "../../config/units.ts";
import type { View } from "../../storage/transaction.ts";
import type { Reader } from "./key_store.ts";

export const tidyFields = {
  tidy_cert_store: field.bool("Certificates past their end are deleted."),
  tidy_revoked_certs: field.bool("Revocations of certificates past their end are deleted."),
  tidy_revocation_list: field.bool("The older name of tidy_revoked_certs."),
  tidy_revoked_cert_issuer_associations: field.bool("Revocations without issuers are counted."),
  tidy_expired_issuers: field.bool("Issuers past their end are deleted, but the default."),
  tidy_invalid_certs: field.bool("Entries that are no certificates are deleted."),
  tidy_move_legacy_ca_bundle: field.bool("Nothing to do here."),
  tidy_acme: field.bool("Nothing to do here."),
  safety_buffer: field.duration("Seconds that must have passed since the end."),
  revoked_safety_buffer: field.duration("The same, for revocations; safety_buffer by default."),
  issuer_safety_buffer: field.duration("The same, for issuers."),
  acme_account_safety_buffer: field.duration("Nothing to do here."),
  pause_duration: field.string("How long to wait between pages."),
  page_size: field.int("Entries of a page."),
} satisfies FieldMap;

type TidyInput = { readonly [K in keyof typeof tidyFields]: FieldValue<(typeof tidyFields)[K]> };

/** Buffers in seconds. */
export interface TidySettings {
  readonly tidy_cert_store: boolean;
  readonly tidy_revoked_certs: boolean;
  readonly tidy_revoked_cert_issuer_associations: boolean;
  readonly tidy_expired_issuers: boolean;
  readonly tidy_invalid_certs: boolean;
  readonly tidy_move_legacy_ca_bundle: boolean;
  readonly tidy_acme: boolean;
  readonly safety_buffer: number;
  readonly revoked_safety_buffer: number;
  readonly issuer_safety_buffer: number;
  readonly acme_account_safety_buffer: number;
  readonly page_size: number;
  readonly pauseMs: number;
}

export interface AutoTidy extends TidySettings {
  readonly enabled: boolean;
  /** Seconds. */
  readonly interval_duration: number;
  readonly maintain_stored_certificate_counts: boolean;
  readonly publish_stored_certificate_count_metrics: boolean;
}

export const defaultTidy: TidySettings = {
  tidy_cert_store: false,
  tidy_revoked_certs: false,
  tidy_revoked_cert_issuer_associations: false,
  tidy_expired_issuers: false,
  tidy_invalid_certs: false,
  tidy_move_legacy_ca_bundle: false,
  tidy_acme: false,
  safety_buffer: 259_200,
  revoked_safety_buffer: 259_200,
  issuer_safety_buffer: 31_536_000,
  acme_account_safety_buffer: 2_592_000,
  page_size: 1000,
  pauseMs: 0,
};

const configKey = "config/auto-tidy";
const lastKey = "auto-tidy-last";

const defaults: AutoTidy = {
  ...defaultTidy,
  enabled: false,
  interval_duration: 43_200,
  maintain_stored_certificate_counts: false,
  publish_stored_certificate_count_metrics: false,
};

function decode(bytes: Bytes): AutoTidy {
  const config: AutoTidy = JSON.parse(storedText(bytes));
  return config;
}

export async function autoTidy(call: Reader): Promise<AutoTidy> {
  return await call.cached(configKey, decode) ?? defaults;
}

export function putAutoTidy(storage: View, config: AutoTidy): void {
  storage.put(configKey, utf8(JSON.stringify(config)));
}

/** When it last began by itself, milliseconds. */
export async function lastAutoTidy(storage: View): Promise<number | undefined> {
  const bytes = await storage.get(lastKey);
  return bytes === undefined ? undefined : Number(fromUtf8(bytes));
}

export function putLastAutoTidy(storage: View, now: number): void {
  storage.put(lastKey, utf8(String(now)));
}

/** What a request says, over what holds without it; a 400 for what can't be. */
export function tidySettings(input: TidyInput, before: TidySettings): TidySettings {
  const pause = input.pause_duration === undefined
    ? undefined
    : parseDuration(input.pause_duration);
  if (input.pause_duration !== undefined && (pause === undefined || pause < 0)) {
    throw badRequest("pause_duration could not be decoded as a duration");
  }
  const safety = input.safety_buffer ?? before.safety_buffer;
  const followed = input.safety_buffer ?? before.revoked_safety_buffer;
  const settings: TidySettings = {
    tidy_cert_store: input.tidy_cert_store ?? before.tidy_cert_store,
    tidy_revoked_certs: input.tidy_revoked_certs ?? input.tidy_revocation_list ??
      before.tidy_revoked_certs,
    tidy_revoked_cert_issuer_associations: input.tidy_revoked_cert_issuer_associations ??
      before.tidy_revoked_cert_issuer_associations,
    tidy_expired_issuers: input.tidy_expired_issuers ?? before.tidy_expired_issuers,
    tidy_invalid_certs: input.tidy_invalid_certs ?? before.tidy_invalid_certs,
    tidy_move_legacy_ca_bundle: input.tidy_move_legacy_ca_bundle ??
      before.tidy_move_legacy_ca_bundle,
    tidy_acme: input.tidy_acme ?? before.tidy_acme,
    safety_buffer: safety,
    revoked_safety_buffer: input.revoked_safety_buffer ?? followed,
    issuer_safety_buffer: input.issuer_safety_buffer ?? before.issuer_safety_buffer,
    acme_account_safety_buffer: input.acme_account_safety_buffer ??
      before.acme_account_safety_buffer,
    page_size: input.page_size ?? before.page_size,
    pauseMs: pause === undefined ? before.pauseMs : pause * 1000,
  };
  for (const name of ["safety_buffer", "revoked_safety_buffer", "issuer_safety_buffer"] as const) {
    if (settings[name] < 1) throw badRequest(`${name} must be greater than zero`);
  }
  if (settings.page_size < 1) throw badRequest("page_size must be greater than zero");
  return settings;
}

/** Settings as reads show them. */
export function tidyBody({ pauseMs, ...settings }: TidySettings) {
  return { ...settings, pause_duration: formatDuration(pauseMs / 1000) };
}

export function isAnythingTidied(settings: TidySettings): boolean {
  return settings.tidy_cert_store || settings.tidy_revoked_certs || settings.tidy_expired_issuers ||
    settings.tidy_revoked_cert_issuer_associations || settings.tidy_move_legacy_ca_bundle ||
    settings.tidy_invalid_certs || settings.tidy_acme;
}
