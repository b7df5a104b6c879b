/** The end of a token. */
import { badRequest, permissionDenied } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Services } from "../../core/services.ts";
import { isBatchText } from "../../token/text.ts";

const token = field.string("The token to revoke.", "");

/** Revokes a named token; one that is not there is as good as revoked. */
async function revokeNamed(
  services: Services,
  call: Call,
  text: string,
  orphan: boolean,
): Promise<void> {
  if (text === "") throw badRequest("missing token ID");
  if (isBatchText(text)) throw badRequest("batch tokens cannot be revoked");
  const entry = await services.tokens.lookup(call.transaction, text);
  if (entry === undefined) {
    if (orphan) throw badRequest("token to revoke not found");
    return;
  }
  if (orphan) await services.revoker.revokeOrphan(call.transaction, entry);
  else await services.revoker.revokeTree(call.transaction, entry);
}

export function revokePaths(services: () => Services): Path[] {
  return [
    path("revoke-self", {
      summary: "Revokes the caller's own token and its children.",
      fields: { token: field.string("Not used.") },
      operations: {
        update: {
          summary: "Revokes the caller's own token and its children.",
          handler: async (call) => {
            if (call.token === undefined) throw permissionDenied();
            if (call.token.type === "batch") throw badRequest("batch tokens cannot be revoked");
            await services().revoker.revokeTree(call.transaction, call.token);
          },
        },
      },
    }),
    path("revoke-accessor", {
      summary: "Revokes the token with an accessor, and its children.",
      fields: { accessor: field.string("The token's accessor.", "") },
      operations: {
        update: {
          summary: "Revokes the token with an accessor, and its children.",
          handler: async (call, input) => {
            if (input.accessor === "") throw badRequest("missing accessor");
            const { tokens } = services();
            const entry = await tokens.lookupAccessor(call.transaction, input.accessor);
            if (entry === undefined) return { warnings: ["No token has this accessor."] };
            await services().revoker.revokeTree(call.transaction, entry);
            return undefined;
          },
        },
      },
    }),
    path("revoke-orphan", {
      summary: "Revokes a token and sets its children free.",
      fields: { token },
      sudo: true,
      operations: {
        update: {
          summary: "Revokes a token and sets its children free.",
          handler: (call, input) => revokeNamed(services(), call, input.token, true),
        },
      },
    }),
    path("revoke", {
      summary: "Revokes a token and its children.",
      fields: { token },
      operations: {
        update: {
          summary: "Revokes a token and its children.",
          handler: (call, input) => revokeNamed(services(), call, input.token, false),
        },
      },
    }),
    path("tidy", {
      summary: "Removes index entries that lead nowhere.",
      operations: {
        update: {
          summary: "Removes index entries that lead nowhere.",
          handler: () => ({
            status: 202,
            warnings: [
              "Nothing to tidy: a token and its index entries are always removed together.",
            ],
          }),
        },
      },
    }),
  ];
}
