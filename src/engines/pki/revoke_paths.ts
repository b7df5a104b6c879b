/** `revoke`, `revoke-with-key`, and the revocation of issuers. */
import { sameBytes, wipe } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { isIssuedBy } from "../../crypto/x509/certificate.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { putRevocation } from "./certificate_store.ts";
import { type Engine, platformOf, readable } from "./engine.ts";
import { issuerBody } from "./issuer_paths.ts";
import { putIssuer, readIssuers, requireIssuer } from "./issuer_store.ts";
import { isPrivateKey, pkcs8Of, readPemBlocks } from "./pem.ts";
import { certificateToRevoke, revoke, type RevokeInput } from "./revoke.ts";

const fields = {
  serial_number: field.string("The serial number.", ""),
  certificate: field.string("The certificate in PEM.", ""),
};

async function revokeByKey(
  engine: Engine,
  call: Call,
  input: RevokeInput & { readonly private_key: string },
): Promise<LogicalResponse> {
  if (input.private_key === "") throw badRequest("private_key is missing");
  const block = readPemBlocks(input.private_key).find(isPrivateKey);
  if (block === undefined) throw badRequest("private_key is no private key in PEM");
  const certificate = await certificateToRevoke(engine, call, input);
  const pkcs8 = await readable("private_key", () => pkcs8Of(block));
  const key = await readable(
    "private_key",
    () => platformOf(engine).crypto.keys.importPkcs8(pkcs8),
  );
  try {
    if (!sameBytes(key.publicKey.spki(), certificate.publicKey)) {
      throw badRequest("the private key is not that of the certificate");
    }
  } finally {
    key.destroy();
    wipe(pkcs8);
  }
  return await revoke(engine, call, certificate);
}

/** An issuer that is revoked issues nothing more; those above it that are here list it. */
async function revokeIssuer(engine: Engine, call: Call, ref: string): Promise<LogicalResponse> {
  const before = await requireIssuer(call, ref);
  const now = platformOf(engine).clock.now();
  if (before.revocationTime > 0) return { data: await issuerBody(call, before) };
  const usage = before.usage.filter((name) => name !== "issuing-certificates");
  const after = { ...before, usage, revocationTime: Math.floor(now / 1000) };
  putIssuer(call.storage, after, before);
  const { keys } = platformOf(engine).crypto;
  const { parsed } = before;
  const warnings = ["what the issuer has issued is not revoked with it"];
  let isListed = false;
  for (const parent of await readIssuers(call)) {
    if (parent.id === before.id || !await isIssuedBy(keys, parsed, parent.parsed)) continue;
    const revocation = { time: now, issuerId: parent.id, notAfter: parsed.notAfter };
    putRevocation(call.storage, parsed.serial, revocation);
    isListed = true;
  }
  if (!isListed) warnings.push("no issuer above it is here: no revocation list will tell of it");
  engine.crls.rebuildAfter(call);
  return { data: await issuerBody(call, after), warnings };
}

export function revokePaths(engine: Engine): Path[] {
  return [
    path("revoke", {
      summary: "Revokes a certificate.",
      fields,
      operations: {
        update: {
          summary: "Revokes it.",
          handler: async (call, input) =>
            revoke(engine, call, await certificateToRevoke(engine, call, input)),
        },
      },
    }),
    path("revoke-with-key", {
      summary: "Revokes a certificate for whoever holds its key.",
      fields: { ...fields, private_key: field.string("The key in PEM.", "") },
      operations: {
        update: {
          summary: "Revokes it.",
          handler: (call, input) => revokeByKey(engine, call, input),
        },
      },
    }),
    path("issuer/:issuer_ref/revoke", {
      summary: "Revokes an issuer.",
      operations: {
        update: {
          summary: "Revokes it.",
          handler: (call, { issuer_ref }) => revokeIssuer(engine, call, issuer_ref),
        },
      },
    }),
  ];
}
