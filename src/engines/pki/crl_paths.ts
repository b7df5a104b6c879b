/** Revocation lists for whoever asks, and making them anew. */
import { type Path, path, standbyReads } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { toPem } from "../../crypto/keys.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { CONTENT, rawAnswer } from "./certificate_paths.ts";
import { crlConfig } from "./crl_config.ts";
import { type CrlKind, readCrl } from "./crl_store.ts";
import type { Engine } from "./engine.ts";
import { findIssuer, requireIssuer } from "./issuer_store.ts";

type Form = "der" | "pem";

async function answer(
  call: Call,
  ref: string,
  kind: CrlKind,
  form: Form,
): Promise<LogicalResponse> {
  const issuer = await findIssuer(call, ref);
  const der = issuer && await readCrl(call.storage, issuer.id, kind);
  return form === "der"
    ? rawAnswer(CONTENT.crl, der)
    : rawAnswer(CONTENT.pem, der && toPem("X509 CRL", der).trimEnd());
}

const files = [
  ["", "complete", "der"],
  ["/pem", "complete", "pem"],
  ["/delta", "delta", "der"],
  ["/delta/pem", "delta", "pem"],
] as const;

const issuerFiles = [
  ["der", "complete", "der"],
  ["pem", "complete", "pem"],
  ["delta/der", "delta", "der"],
  ["delta/pem", "delta", "pem"],
] as const;

const summaries: Readonly<Record<CrlKind, string>> = {
  complete: "The revocation list.",
  delta: "The list of the newest revocations.",
};

function readPaths(): Path[] {
  return [
    ...files.map(([suffix, kind, form]) =>
      path(`crl${suffix}/?`, {
        summary: summaries[kind],
        unauthenticated: true,
        operations: {
          read: {
            summary: `Reads it, ${form.toUpperCase()}.`,
            handler: (call) => answer(call, "default", kind, form),
          },
        },
      })
    ),
    ...issuerFiles.map(([suffix, kind, form]) =>
      path(`issuer/:issuer_ref/crl/${suffix}`, {
        summary: summaries[kind],
        unauthenticated: true,
        operations: {
          read: {
            summary: `Reads it, ${form.toUpperCase()}.`,
            handler: async (call, { issuer_ref }) => {
              await requireIssuer(call, issuer_ref);
              return await answer(call, issuer_ref, kind, form);
            },
          },
        },
      })
    ),
    ...(["issuer/:issuer_ref/crl/?", "issuer/:issuer_ref/crl/delta/?"] as const).map((pattern) => {
      const kind: CrlKind = pattern.includes("delta") ? "delta" : "complete";
      return path(pattern, {
        summary: summaries[kind],
        unauthenticated: true,
        operations: {
          read: {
            summary: "Reads it, PEM in JSON.",
            handler: async (call, { issuer_ref }) => {
              const issuer = await requireIssuer(call, issuer_ref);
              const der = await readCrl(call.storage, issuer.id, kind);
              return { data: { crl: der === undefined ? "" : toPem("X509 CRL", der).trimEnd() } };
            },
          },
        },
      });
    }),
  ];
}

export function crlPaths(engine: Engine): Path[] {
  return [
    ...standbyReads(readPaths()),
    path("crl/rotate", {
      summary: "Makes the revocation lists anew.",
      operations: {
        read: {
          summary: "Makes them.",
          handler: (call) => {
            engine.crls.rebuildAfter(call);
            return { data: { success: true } };
          },
        },
      },
    }),
    path("crl/rotate-delta", {
      summary: "Makes the lists of the newest revocations anew.",
      operations: {
        read: {
          summary: "Makes them.",
          handler: async (call) => {
            const { enable_delta: isEnabled } = await crlConfig(call);
            const prefix = `logical/${call.mount.uuid}/`;
            call.transaction.beforeAnswer(() => engine.crls.rebuildDelta(prefix));
            return {
              data: { success: true },
              ...(isEnabled ? {} : { warnings: ["delta CRLs are not enabled (config/crl)"] }),
            };
          },
        },
      },
    }),
  ];
}
