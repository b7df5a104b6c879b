/** `sys/init` and `sys/unseal`. */
import { wipe } from "../../base/bytes.ts";
import { badRequest, describeError, Failure } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import type { Node } from "../../core/node.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import type { InitOptions } from "../../seal/init.ts";
import { flat, type NodeRoute, nodeRoute } from "./route.ts";
import { sealStatus } from "./status.ts";

const initFields = {
  secret_shares: field.int("Shares of the unseal key.", 0),
  secret_threshold: field.int("Shares that are needed to unseal.", 0),
  pgp_keys: field.list("PGP keys that the shares are encrypted for.", []),
  root_token_pgp_key: field.string("PGP key that the root token is encrypted for.", ""),
  stored_shares: field.int("Accepted for compatibility.", 0),
  recovery_shares: field.int("Shares of the recovery key.", 0),
  recovery_threshold: field.int("Shares that are needed of it.", 0),
  recovery_pgp_keys: field.list("PGP keys that its shares are encrypted for.", []),
};

/** Makes the keys, unseals once to make the root token, and seals again. */
export async function initializeNode(node: Node, options: InitOptions) {
  const run = await node.ceremonies.prepareInit(options);
  const made = await run();
  try {
    await node.unseal(made.rootKey);
    const root = await node.issueRootToken();
    return { ...made, rootToken: await made.presentRootToken(root.clientToken) };
  } finally {
    wipe(made.rootKey);
    await node.seal();
  }
}

async function submit(node: Node, key: string, reset: boolean): Promise<LogicalResponse> {
  // A seal that has not ended yet would forget the shares that are handed in meanwhile.
  await node.whenSettled();
  if (!node.sealed) {
    if (key === "" && !reset) throw badRequest("'key' must be specified in request body as JSON");
    if (!/^([0-9a-fA-F]*|[A-Za-z0-9+/]*={0,2})$/.test(key)) {
      throw badRequest("'key' must be a valid hex or base64 string");
    }
    if (reset) throw badRequest("the node is not sealed");
    return flat(await sealStatus(node));
  }
  const { progress } = node.ceremonies;
  if (reset) {
    progress.reset();
    return flat(await sealStatus(node));
  }
  if (key === "") throw badRequest("'key' must be specified in request body as JSON");
  const rootKey = await progress.submit(key);
  if (rootKey !== undefined) {
    try {
      await node.unseal(rootKey);
    } catch (error) {
      throw startFailure(node, error);
    } finally {
      wipe(rootKey);
    }
  }
  return flat(await sealStatus(node));
}

/**
 * Only who holds enough shares gets here, and has to know what keeps the node from starting; so has
 * who reads the log.
 */
function startFailure(node: Node, error: unknown): Failure {
  if (error instanceof Failure) return error;
  node.platform.log.error("the node could not start", { error: describeError(error) });
  return new Failure(500, `the node could not start: ${describeError(error)}`, { cause: error });
}

export function bringUpRoutes(node: Node): NodeRoute[] {
  return [
    nodeRoute("sys/init", initFields, {
      GET: async () => flat({ initialized: await node.isInitialized() }),
      POST: async (input) => {
        const made = await initializeNode(node, {
          secretShares: input.secret_shares,
          secretThreshold: input.secret_threshold,
          pgpKeys: input.pgp_keys,
          rootTokenPgpKey: input.root_token_pgp_key,
          storedShares: input.stored_shares,
          recoveryShares: input.recovery_shares,
          recoveryThreshold: input.recovery_threshold,
          recoveryPgpKeys: input.recovery_pgp_keys,
        });
        return flat({
          keys: [...made.keys],
          keys_base64: [...made.keysBase64],
          root_token: made.rootToken,
        });
      },
    }),
    nodeRoute("sys/unseal", {
      key: field.string("A share of the unseal key.", ""),
      reset: field.bool("Forgets the shares so far.", false),
      migrate: field.bool("Moves to another seal.", false),
    }, {
      POST: (input) => submit(node, input.key, input.reset),
    }),
  ];
}
