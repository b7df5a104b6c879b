/** What a token is: for its owner, for who knows it, for who knows its accessor. */
import { badRequest, Failure, permissionDenied } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { findByAccessor, findNamedToken } from "../../core/find_token.ts";
import type { Services } from "../../core/services.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { secondsLeft, type TokenEntry } from "../../token/entry.ts";

/** The entry of a live token. Throws a 400 where there is none. */
export async function findAccessor(
  services: Services,
  call: Call,
  accessor: string,
): Promise<TokenEntry> {
  if (accessor === "") throw badRequest("missing accessor");
  const entry = await findByAccessor(services, call.transaction, accessor);
  if (entry === undefined) throw new Failure(400, "invalid accessor");
  return entry;
}

/** As lookups show it. `id` is the token's text where the caller knows it. */
export async function tokenBody(
  services: Services,
  call: Call,
  entry: TokenEntry,
  id: string,
): Promise<JsonObject> {
  const now = services.tokens.clock.now();
  const meta: JsonObject | null = entry.meta === null ? null : { ...entry.meta };
  return {
    accessor: entry.accessor,
    creation_time: Math.floor(entry.creationTime / 1000),
    creation_ttl: entry.ttl,
    display_name: entry.displayName,
    entity_id: entry.entityId,
    expire_time: entry.expireTime === 0 ? null : rfc3339(entry.expireTime),
    explicit_max_ttl: entry.explicitMaxTtl,
    id,
    issue_time: rfc3339(entry.creationTime),
    meta,
    num_uses: entry.numUses,
    orphan: entry.parent === "",
    path: entry.path,
    policies: [...entry.policies],
    renewable: entry.renewable,
    ttl: secondsLeft(entry.expireTime, now),
    type: entry.type,
    ...(entry.period > 0 ? { period: entry.period } : {}),
    ...(entry.role === "" ? {} : { role: entry.role }),
    ...(entry.boundCidrs.length === 0 ? {} : { bound_cidrs: [...entry.boundCidrs] }),
    ...await identityPart(services, call, entry),
    ...(entry.lastRenewal === 0 ? {} : {
      last_renewal: rfc3339(entry.lastRenewal),
      last_renewal_time: Math.floor(entry.lastRenewal / 1000),
    }),
  };
}

/** What comes with the token's entity today. */
async function identityPart(
  services: Services,
  { transaction }: Call,
  { entityId }: TokenEntry,
): Promise<JsonObject> {
  if (entityId === "") return {};
  const view = await services.identity.views.get(transaction, entityId);
  if (view === undefined || view.policies.length === 0) return {};
  return { identity_policies: [...view.policies], external_namespace_policies: {} };
}

/** A caller's own limited token shows the uses it has left after this one. */
async function ownBody(services: Services, call: Call): Promise<LogicalResponse> {
  const entry = call.token;
  if (entry === undefined) throw permissionDenied();
  const body = await tokenBody(services, call, entry, call.request.clientToken);
  // 0 would say that there is no limit.
  if (entry.numUses > 0) body.num_uses = entry.numUses === 1 ? -1 : entry.numUses - 1;
  return { data: body };
}

async function lookup(services: Services, call: Call, token: string): Promise<LogicalResponse> {
  if (token === "" || token === call.request.clientToken) return await ownBody(services, call);
  const entry = await findNamedToken(services, call.transaction, token);
  if (entry === undefined) throw new Failure(403, "bad token");
  return { data: await tokenBody(services, call, entry, token) };
}

export function lookupPaths(services: () => Services): Path[] {
  const self = { handler: (call: Call) => ownBody(services(), call) };
  const token = field.string("The token to look up; the caller's own where it is missing.", "");
  return [
    path("lookup-self", {
      summary: "Tells of the caller's own token.",
      fields: { token: field.string("Not used.") },
      operations: {
        read: { summary: "Tells of the caller's own token.", ...self },
        update: { summary: "Tells of the caller's own token.", standby: true, ...self },
      },
    }),
    path("lookup-accessor", {
      summary: "Tells of the token with an accessor, without the token itself.",
      fields: { accessor: field.string("The token's accessor.", "") },
      operations: {
        update: {
          summary: "Tells of the token with an accessor.",
          standby: true,
          handler: async (call, { accessor }) => {
            const entry = await findAccessor(services(), call, accessor);
            return { data: await tokenBody(services(), call, entry, "") };
          },
        },
      },
    }),
    path("lookup", {
      summary: "Tells of a token.",
      fields: { token },
      query: ["token"],
      operations: {
        read: {
          summary: "Tells of a token.",
          handler: (call, input) => lookup(services(), call, input.token),
        },
        update: {
          summary: "Tells of a token.",
          standby: true,
          handler: (call, input) => lookup(services(), call, input.token),
        },
      },
    }),
    path("accessors/?", {
      summary: "Lists the accessors of all tokens.",
      sudo: true,
      operations: {
        list: {
          summary: "Lists the accessors of all tokens.",
          handler: async (call) => {
            const keys: string[] = [];
            let after: string | undefined;
            do {
              const page = await services().tokens.page(call.transaction, after, 1000);
              for (const { accessor } of page.entries) keys.push(accessor);
              after = page.next;
            } while (after !== undefined);
            return { data: { keys } };
          },
        },
      },
    }),
  ];
}
