/** What a token is: for its owner, for who knows it, for who knows its accessor. */
import { badRequest, Failure, permissionDenied } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { findNamedToken } from "../../core/find_token.ts";
import type { Services } from "../../core/services.ts";
import { rfc3339 } from "../../logical/envelope.ts";
import type { JsonObject } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import { secondsLeft, type TokenEntry } from "../../token/entry.ts";

export async function findAccessor(
  services: Services,
  call: Call,
  accessor: string,
): Promise<TokenEntry> {
  if (accessor === "") throw badRequest("missing accessor");
  const entry = await services.tokens.lookupAccessor(call.transaction, accessor);
  if (entry === undefined) throw new Failure(400, "invalid accessor");
  return entry;
}

/** As lookups show it. `id` is the token's text where the caller knows it. */
export function tokenBody(entry: TokenEntry, id: string, now: number): JsonObject {
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
    ...(entry.lastRenewal === 0 ? {} : {
      last_renewal: rfc3339(entry.lastRenewal),
      last_renewal_time: Math.floor(entry.lastRenewal / 1000),
    }),
  };
}

/** A caller's own limited token shows the uses it has left after this one. */
function ownBody(services: Services, call: Call): LogicalResponse {
  const entry = call.token;
  if (entry === undefined) throw permissionDenied();
  const body = tokenBody(entry, call.request.clientToken, services.tokens.clock.now());
  if (entry.numUses > 0) body.num_uses = entry.numUses - 1;
  return { data: body };
}

async function lookup(services: Services, call: Call, token: string): Promise<LogicalResponse> {
  if (token === "" || token === call.request.clientToken) return ownBody(services, call);
  const entry = await findNamedToken(services, call.transaction, token);
  if (entry === undefined) throw new Failure(403, "bad token");
  return { data: tokenBody(entry, token, services.tokens.clock.now()) };
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
        update: { summary: "Tells of the caller's own token.", ...self },
      },
    }),
    path("lookup-accessor", {
      summary: "Tells of the token with an accessor, without the token itself.",
      fields: { accessor: field.string("The token's accessor.", "") },
      operations: {
        update: {
          summary: "Tells of the token with an accessor.",
          handler: async (call, { accessor }) => {
            const entry = await findAccessor(services(), call, accessor);
            return { data: tokenBody(entry, "", services().tokens.clock.now()) };
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
              const page = await services().tokens.accessors(call.transaction, after, 1000);
              keys.push(...page.accessors);
              after = page.next;
            } while (after !== undefined);
            return { data: { keys } };
          },
        },
      },
    }),
  ];
}
