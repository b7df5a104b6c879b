/** `sys/rekey/*` and `sys/generate-root/*`: for whoever holds enough shares, without a token. */
import { badRequest, Failure } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import type { Node } from "../../core/node.ts";
import {
  backupBody,
  generateRootBody,
  rekeyResultBody,
  rekeyStatusBody,
  verifyBody,
} from "./ceremony_body.ts";
import { empty, flat, type NodeRoute, nodeRoute } from "./route.ts";

export const rekeyFields = {
  secret_shares: field.int("Shares of the new key.", 0),
  secret_threshold: field.int("Shares that are needed.", 0),
  pgp_keys: field.list("PGP keys that the shares are encrypted for.", []),
  backup: field.bool("Keeps the encrypted shares.", false),
  require_verification: field.bool("Waits until the holders have shown the new shares.", false),
};

export const shareFields = {
  key: field.string("A share of the key.", ""),
  nonce: field.string("The attempt's nonce.", ""),
};

/** A share and its nonce, both needed. */
export function checkedShare(input: { key: string; nonce: string }) {
  if (input.key === "") throw badRequest("'key' must be specified in request body as JSON");
  return { key: input.key, nonce: input.nonce };
}

/** Only an unsealed node can check shares against the key in force. */
function ready(node: Node) {
  if (node.sealed) throw new Failure(503, "Vault is sealed");
  return node.ceremonies;
}

export function rekeyOptions(input: {
  readonly secret_shares: number;
  readonly secret_threshold: number;
  readonly pgp_keys: readonly string[];
  readonly backup: boolean;
  readonly require_verification: boolean;
}) {
  return {
    secretShares: input.secret_shares,
    secretThreshold: input.secret_threshold,
    pgpKeys: input.pgp_keys,
    backup: input.backup,
    requireVerification: input.require_verification,
  };
}

function rekeyRoutes(node: Node): NodeRoute[] {
  return [
    nodeRoute("sys/rekey/init", { ...rekeyFields, nonce: field.string("To cancel.") }, {
      GET: async () => flat(rekeyStatusBody(await ready(node).rekey.status())),
      POST: async (input) =>
        flat(rekeyStatusBody(await ready(node).rekey.init(rekeyOptions(input)))),
      DELETE: (input) => {
        ready(node).rekey.cancel(input.nonce === undefined ? {} : { nonce: input.nonce });
        return empty();
      },
    }),
    nodeRoute("sys/rekey/update", shareFields, {
      POST: async (input) => {
        const { rekey } = ready(node);
        const result = await rekey.update(checkedShare(input));
        return flat(
          result === undefined ? rekeyStatusBody(await rekey.status()) : rekeyResultBody(result),
        );
      },
    }),
    nodeRoute("sys/rekey/verify", shareFields, {
      GET: () => flat(verifyBody(ready(node).rekey.verifyStatus())),
      POST: async (input) => {
        const { rekey } = ready(node);
        const done = await rekey.verify(checkedShare(input));
        return flat(
          done === undefined
            ? verifyBody(rekey.verifyStatus())
            : { nonce: done.nonce, complete: true },
        );
      },
      DELETE: () => flat(verifyBody(ready(node).rekey.restartVerification())),
    }),
  ];
}

function generateRootRoutes(node: Node): NodeRoute[] {
  const status = async () => flat(generateRootBody(await ready(node).generateRoot.status()));
  return [
    nodeRoute("sys/generate-root/attempt", {
      otp: field.string("A one-time password of your own.", ""),
      pgp_key: field.string("A PGP key that the token is encrypted for.", ""),
    }, {
      GET: status,
      POST: async (input) => {
        const { otp, pgp_key: pgpKey } = input;
        return flat(generateRootBody(await ready(node).generateRoot.init({ otp, pgpKey })));
      },
      DELETE: () => {
        ready(node).generateRoot.cancel();
        return empty();
      },
    }),
    nodeRoute("sys/generate-root/update", shareFields, {
      POST: async (input) =>
        flat({
          ...generateRootBody(await ready(node).generateRoot.update(checkedShare(input))),
          // Known from the start; old clients print it where it is not zero.
          otp_length: 0,
        }),
    }),
  ];
}

export function ceremonyRoutes(node: Node): NodeRoute[] {
  return [...rekeyRoutes(node), ...generateRootRoutes(node)];
}

export { backupBody };
