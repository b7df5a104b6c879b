/**
 * The keyring and the key holders' paths for those with a token: `sys/rotate*`, `sys/key-status`,
 * `sys/seal`, `sys/generate-root-token/*`, backups of a rekey.
 */
import { badRequest } from "../base/failure.ts";
import { field } from "../backend/field.ts";
import { type Path, path } from "../backend/path.ts";
import { formatDuration } from "../config/units.ts";
import type { Node } from "../core/node.ts";
import { rfc3339 } from "../logical/envelope.ts";
import type { JsonObject } from "../logical/json.ts";
import {
  backupBody,
  generateRootBody,
  rekeyResultBody,
  rekeyStatusBody,
  verifyBody,
} from "./node/ceremony_body.ts";
import { checkedShare, rekeyFields, rekeyOptions, shareFields } from "./node/ceremonies.ts";

function keyStatus(node: Node) {
  const { term, installTime, encryptions } = node.barrier.activeKeyInfo();
  const data = { term, install_time: rfc3339(installTime), encryptions };
  return { data, topLevel: data };
}

const rotationFields = {
  enabled: field.bool("Whether the keyring rotates by itself."),
  max_operations: field.int("Encryptions of one key."),
  interval: field.duration("Age of one key."),
};

function rotationPaths(node: () => Node): Path[] {
  const rotate = async () => {
    await node().barrier.rotate();
  };
  const config = (pattern: "rotate/config" | "rotate/keyring/config") =>
    path(pattern, {
      summary: "When the keyring rotates by itself.",
      fields: rotationFields,
      operations: {
        read: {
          summary: "Tells when the keyring rotates by itself.",
          handler: () => {
            const { enabled, maxOperations, intervalMs } = node().barrier.rotationConfig;
            const interval = intervalMs === 0 ? 0 : formatDuration(intervalMs / 1000);
            return { data: { enabled, max_operations: maxOperations, interval } };
          },
        },
        update: {
          summary: "Sets when the keyring rotates by itself.",
          handler: async (_call, input) => {
            const before = node().barrier.rotationConfig;
            await node().barrier.setRotationConfig({
              enabled: input.enabled ?? before.enabled,
              maxOperations: input.max_operations ?? before.maxOperations,
              intervalMs: input.interval === undefined ? before.intervalMs : input.interval * 1000,
            });
          },
        },
      },
    });
  const now = (pattern: "rotate" | "rotate/keyring") =>
    path(pattern, {
      summary: "A new key for what is written from now on.",
      sudo: true,
      operations: { update: { summary: "Rotates the keyring.", handler: rotate } },
    });
  return [
    config("rotate/config"),
    config("rotate/keyring/config"),
    now("rotate/keyring"),
    now("rotate"),
  ];
}

/** Empty texts and nulls left out, as the authenticated form shows them. */
function sparse(body: JsonObject, keep: readonly string[]): JsonObject {
  const shown = Object.entries(body).filter(([name, value]) =>
    keep.includes(name) || (value !== "" && value !== null)
  );
  return Object.fromEntries(shown);
}

function authenticatedRekeyPaths(node: () => Node): Path[] {
  const rekey = () => node().ceremonies.rekey;
  const status = async () => {
    const found = await rekey().status();
    if (!found.started) {
      return { data: { started: false, t: 0, n: 0, required: found.required } };
    }
    const { pgp_fingerprints, backup, ...body } = rekeyStatusBody(found);
    const verification_nonce = found.verificationNonce;
    const pgp = pgp_fingerprints === null ? {} : { pgp_fingerprints, backup };
    return { data: { ...body, verification_nonce, ...pgp } };
  };
  return [
    path("rotate/root/init", {
      summary: "A new unseal key, with new shares.",
      fields: { ...rekeyFields, nonce: field.string("To cancel.") },
      operations: {
        read: { summary: "Tells of the rekey under way.", handler: status },
        update: {
          summary: "Starts a rekey.",
          handler: async (_call, input) => {
            await rekey().init(rekeyOptions(input));
            return await status();
          },
        },
        delete: { summary: "Gives the rekey up.", handler: () => rekey().cancel() },
      },
    }),
    path("rotate/root/update", {
      summary: "A share of the key in force.",
      fields: shareFields,
      operations: {
        update: {
          summary: "Takes a share.",
          handler: async (_call, input) => {
            const result = await rekey().update(checkedShare(input));
            if (result === undefined) return await status();
            const verification_nonce = result.verificationNonce;
            return { data: { ...rekeyResultBody(result), verification_nonce } };
          },
        },
      },
    }),
    path("rotate/root/verify", {
      summary: "The new shares, shown by their holders.",
      fields: shareFields,
      operations: {
        read: {
          summary: "Tells how far the verification is.",
          handler: () => ({ data: verifyBody(rekey().verifyStatus()) }),
        },
        update: {
          summary: "Takes a new share.",
          handler: async (_call, input) => {
            const done = await rekey().verify(checkedShare(input));
            return {
              data: done === undefined
                ? verifyBody(rekey().verifyStatus())
                : { nonce: done.nonce, complete: true },
            };
          },
        },
        delete: {
          summary: "Starts the verification again.",
          handler: () => ({ data: verifyBody(rekey().restartVerification()) }),
        },
      },
    }),
    ...backupPaths(node),
    path("rotate/root", {
      summary: "A new root key, without new shares.",
      sudo: true,
      operations: {
        update: { summary: "Rotates the root key.", handler: () => node().rotateRootKey() },
      },
    }),
    path("rotate/recovery/:step", {
      summary: "Rekeying of the recovery key.",
      operations: {
        read: { summary: "Tells that there is none.", handler: noRecoveryKey },
        update: { summary: "Tells that there is none.", handler: noRecoveryKey },
        delete: { summary: "Tells that there is none.", handler: noRecoveryKey },
      },
    }),
  ];
}

function noRecoveryKey(): never {
  throw badRequest("recovery rekeying not supported: a Shamir seal has no recovery key");
}

function backupPaths(node: () => Node): Path[] {
  const rekey = () => node().ceremonies.rekey;
  return (["rotate/root/backup", "rekey/backup"] as const).map((pattern) =>
    path(pattern, {
      summary: "The encrypted shares that a rekey has kept.",
      sudo: true,
      operations: {
        read: {
          summary: "Reads the encrypted shares.",
          handler: async () => {
            const data = backupBody(await rekey().backup());
            return { data, topLevel: data };
          },
        },
        delete: {
          summary: "Removes the encrypted shares.",
          handler: async () => {
            await rekey().deleteBackup();
          },
        },
      },
    })
  );
}

function generateRootTokenPaths(node: () => Node): Path[] {
  const attempt = () => node().ceremonies.generateRoot;
  const shown = (body: JsonObject) => {
    const { encoded_root_token: _, ...rest } = body;
    const keep = rest.started === true && rest.complete !== true
      ? ["otp", "pgp_fingerprint"]
      : rest.complete === true
      ? ["pgp_fingerprint"]
      : ["otp"];
    const sparser = sparse(rest, keep);
    if (rest.complete === true) delete sparser.otp_length;
    return { data: sparser };
  };
  return [
    path("generate-root-token/attempt", {
      summary: "A new root token, by a quorum of key holders.",
      fields: {
        otp: field.string("A one-time password of your own.", ""),
        pgp_key: field.string("A PGP key that the token is encrypted for.", ""),
      },
      operations: {
        read: {
          summary: "Tells how far the attempt is.",
          handler: async () => shown(generateRootBody(await attempt().status())),
        },
        update: {
          summary: "Starts an attempt.",
          handler: async (_call, { otp, pgp_key }) =>
            shown(generateRootBody(await attempt().init({ otp, pgpKey: pgp_key }))),
        },
        delete: { summary: "Gives the attempt up.", handler: () => attempt().cancel() },
      },
    }),
    path("generate-root-token/update", {
      summary: "A share of the key.",
      fields: shareFields,
      operations: {
        update: {
          summary: "Takes a share.",
          handler: async (_call, input) =>
            shown(generateRootBody(await attempt().update(checkedShare(input)))),
        },
      },
    }),
  ];
}

export function keyPaths(node: () => Node): Path[] {
  return [
    path("key-status", {
      summary: "The key that is in use.",
      operations: {
        read: { summary: "Tells of the key in use.", handler: () => keyStatus(node()) },
      },
    }),
    path("seal", {
      summary: "Seals the node.",
      sudo: true,
      operations: {
        update: {
          summary: "Seals the node.",
          // After the answer: this request is itself one of those that sealing waits for.
          handler: () => node().sealSoon(),
        },
      },
    }),
    ...rotationPaths(node),
    ...authenticatedRekeyPaths(node),
    ...generateRootTokenPaths(node),
  ];
}
