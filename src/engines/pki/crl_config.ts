/** `config/crl`: how revocations are told. */
import { type Bytes, storedText, utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path, standbyReads } from "../../backend/path.ts";
import { parseDuration } from "../../config/units.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { Engine } from "./engine.ts";
import type { Reader } from "./key_store.ts";

/** Durations as the client wrote them. */
export interface CrlConfig {
  readonly expiry: string;
  readonly disable: boolean;
  readonly ocsp_disable: boolean;
  readonly ocsp_expiry: string;
  readonly auto_rebuild: boolean;
  readonly auto_rebuild_grace_period: string;
  readonly enable_delta: boolean;
  readonly delta_rebuild_interval: string;
  readonly allow_expired_cert_revocation: boolean;
}

const key = "config/crl";

const defaults: CrlConfig = {
  expiry: "72h",
  disable: false,
  ocsp_disable: false,
  ocsp_expiry: "12h",
  auto_rebuild: false,
  auto_rebuild_grace_period: "12h",
  enable_delta: false,
  delta_rebuild_interval: "15m",
  allow_expired_cert_revocation: false,
};

function decode(bytes: Bytes): CrlConfig {
  const config: CrlConfig = JSON.parse(storedText(bytes));
  return config;
}

export async function crlConfig(call: Reader): Promise<CrlConfig> {
  return await call.cached(key, decode) ?? defaults;
}

/** Milliseconds of a duration that was checked. */
export function durationMs(text: string): number {
  return (parseDuration(text) ?? 0) * 1000;
}

function check(config: CrlConfig): void {
  const names = [
    "expiry",
    "ocsp_expiry",
    "auto_rebuild_grace_period",
    "delta_rebuild_interval",
  ] as const;
  for (const name of names) {
    const seconds = parseDuration(config[name]);
    if (seconds === undefined || seconds < 0) {
      throw badRequest(`given ${name} could not be decoded as a duration`);
    }
  }
  const expiry = durationMs(config.expiry);
  if (config.auto_rebuild && durationMs(config.auto_rebuild_grace_period) >= expiry) {
    throw badRequest("auto_rebuild_grace_period must be shorter than expiry");
  }
  if (config.enable_delta && !config.auto_rebuild) {
    throw badRequest("delta CRLs need auto_rebuild");
  }
  if (config.enable_delta && durationMs(config.delta_rebuild_interval) >= expiry) {
    throw badRequest("delta_rebuild_interval must be shorter than expiry");
  }
}

const body = (config: CrlConfig): JsonObject => ({ ...config });

export function crlConfigPath(engine: Engine): Path[] {
  return standbyReads([
    path("config/crl", {
      summary: "How revocations are told.",
      fields: {
        expiry: field.string("How long a list is valid."),
        disable: field.bool("Lists are empty."),
        ocsp_disable: field.bool("OCSP answers nobody."),
        ocsp_expiry: field.string("How long an answer of OCSP is valid."),
        auto_rebuild: field.bool("Lists are made before they end, not with each revocation."),
        auto_rebuild_grace_period: field.string("How long before."),
        enable_delta: field.bool("Lists of the newest revocations are made in between."),
        delta_rebuild_interval: field.string("How often."),
        allow_expired_cert_revocation: field.bool("Certificates that ended may be revoked."),
        cross_cluster_revocation: field.bool("Not here: must be false.", false),
        unified_crl: field.bool("Not here: must be false.", false),
        unified_crl_on_existing_paths: field.bool("Not here: must be false.", false),
      },
      operations: {
        read: {
          summary: "Reads it.",
          handler: async (call) => ({ data: body(await crlConfig(call)) }),
        },
        update: {
          summary: "Sets what is given.",
          handler: async (call, input) => {
            for (
              const name of [
                "cross_cluster_revocation",
                "unified_crl",
                "unified_crl_on_existing_paths",
              ] as const
            ) if (input[name]) throw badRequest(`${name} needs replication, which is not here`);
            const before = await crlConfig(call);
            const given = Object.fromEntries(
              Object.keys(defaults).flatMap((name) => {
                const value = Object.entries(input).find(([known]) => known === name)?.[1];
                return value === undefined ? [] : [[name, value]];
              }),
            );
            const config: CrlConfig = { ...before, ...given };
            check(config);
            call.storage.put(key, utf8(JSON.stringify(config)));
            engine.crls.rebuildAfter(call);
            return { data: body(config) };
          },
        },
      },
    }),
  ]);
}
