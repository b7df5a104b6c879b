/** `auth/token/create` in its three forms. */
import { badRequest, Failure } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { authOf } from "../../core/issue.ts";
import { countToken } from "../../core/measure.ts";
import type { Services } from "../../core/services.ts";
import { isWrapping } from "../../core/wrapping.ts";
import { identityOfLogin } from "../../identity/login.ts";
import { isJsonObject, isRawNumber, type JsonValue } from "../../logical/json.ts";
import type { LogicalResponse } from "../../logical/response.ts";
import type { TokenEntry } from "../../token/entry.ts";
import type { MadeToken, NewToken } from "../../token/store.ts";
import { effectiveTtl } from "../../token/ttl.ts";
import { choosePolicies } from "./policies.ts";
import { readRole, type TokenRole } from "./role.ts";

const fields = {
  id: field.string("The token's text; needs sudo."),
  policies: field.any("Policies of the token, a list."),
  meta: field.pairs("Metadata to keep with the token."),
  no_parent: field.bool("Makes an orphan; needs sudo.", false),
  no_default_policy: field.bool("Leaves the default policy out.", false),
  renewable: field.bool("Whether it can be renewed.", true),
  lease: field.duration("Former name of ttl."),
  ttl: field.duration("How long it lives."),
  explicit_max_ttl: field.duration("A maximum that no renewal can pass.", 0),
  period: field.duration("Period that each renewal gives; needs sudo.", 0),
  type: field.string("service or batch."),
  display_name: field.string("A name for people.", ""),
  num_uses: field.int("How often it can be used; 0 for no limit.", 0),
  entity_alias: field.string("Name of the entity alias the token belongs to; needs a role."),
};

type Wanted = { [K in keyof typeof fields]: (typeof fields)[K]["default"] };

/** What is known before the token is made. */
interface Creation {
  readonly services: Services;
  readonly call: Call;
  readonly parent: TokenEntry;
  readonly wanted: Wanted;
  readonly role: TokenRole | undefined;
  /** The caller may sidestep what binds others. */
  readonly sudo: boolean;
  readonly warnings: string[];
}

/** The paths; `services` are those of the unsealed node. */
export function createPaths(services: () => Services): Path[] {
  return [
    path("create-orphan", {
      summary: "Makes a token without a parent.",
      fields,
      sudo: true,
      operations: {
        update: {
          summary: "Makes a token without a parent.",
          handler: (call, wanted) => create(services(), call, { ...wanted, no_parent: true }),
        },
      },
    }),
    path("create/:role_name", {
      summary: "Makes a token as a role says.",
      params: { role_name: "Name of the role" },
      fields,
      operations: {
        update: {
          summary: "Makes a token as a role says.",
          handler: async (call, wanted) => {
            const role = await readRole(call, wanted.role_name);
            if (role === undefined) throw badRequest(`unknown role ${wanted.role_name}`);
            return await create(services(), call, wanted, role);
          },
        },
      },
    }),
    path("create", {
      summary: "Makes a token.",
      fields,
      operations: {
        update: {
          summary: "Makes a token.",
          handler: (call, wanted) => create(services(), call, wanted),
        },
      },
    }),
  ];
}

async function create(
  services: Services,
  call: Call,
  wanted: Wanted,
  role?: TokenRole,
): Promise<LogicalResponse> {
  const parent = call.token;
  if (parent === undefined) throw new Failure(403, "permission denied");
  if (parent.type === "batch") throw badRequest("batch tokens cannot create more tokens");
  if (parent.numUses > 0 || isWrapping(parent)) {
    throw badRequest("restricted use token cannot generate child tokens");
  }
  const acl = await services.acls.forToken(call.transaction, parent);
  const { path, operation } = call.request;
  const sudo = acl.check({ path, operation, data: {} }).sudo;
  const creation: Creation = { services, call, parent, wanted, role, sudo, warnings: [] };
  checkWanted(creation);
  if ((wanted.id ?? "") !== "") {
    creation.warnings.push(
      "A token whose text someone chose is only as hard to guess as that text.",
    );
  }
  const spec = await newToken(creation);
  if (spec.ttl > 0 && !spec.policies.includes("root")) {
    const subject = { path: spec.path, mount: call.mount.path, role: "" };
    await services.quotas.reserveLease(call.transaction, subject);
  }
  const response: LogicalResponse = tokenType(creation) === "batch"
    ? { auth: authOf(batchToken(creation, spec)) }
    : { auth: authOf(await services.issuer.issue(call.transaction, spec, wanted.id || undefined)) };
  const { warnings } = creation;
  return warnings.length === 0 ? response : { ...response, warnings };
}

function batchToken({ services, call }: Creation, spec: NewToken): MadeToken {
  const made = services.batchTokens.create(spec);
  call.transaction.afterCommit(() => countToken(services, made.entry));
  return made;
}

function tokenType({ wanted, role }: Creation): "service" | "batch" {
  const asked = wanted.type ?? "";
  if (!["", "service", "batch", "default-service", "default-batch"].includes(asked)) {
    throw badRequest(`invalid 'token_type' value "${asked}"`);
  }
  const ofRole = role?.tokenType ?? "default-service";
  if (ofRole === "service" || ofRole === "batch") return ofRole;
  if (asked === "service" || asked === "batch") return asked;
  return ofRole === "default-batch" ? "batch" : "service";
}

function checkWanted(creation: Creation): void {
  const { wanted, role, sudo } = creation;
  if (wanted.num_uses < 0) throw badRequest("number of uses cannot be negative");
  if ((wanted.ttl ?? 0) < 0) throw badRequest("ttl must be positive");
  if (wanted.explicit_max_ttl < 0) throw badRequest("explicit_max_ttl must be positive");
  if (wanted.period < 0) throw badRequest("period must be positive");
  if (wanted.type === "default-service" || wanted.type === "default-batch") {
    throw badRequest("the type of a token is service or batch");
  }
  if (wanted.id !== undefined && wanted.id !== "") checkOwnId(wanted.id, sudo);
  if (wanted.no_parent && !sudo && role === undefined) {
    throw badRequest("root or sudo privileges required to create orphan token");
  }
  if (wanted.period > 0 && !sudo && role === undefined) {
    throw badRequest("root or sudo privileges required to create periodic token");
  }
  if (wanted.entity_alias !== undefined && wanted.entity_alias !== "") {
    checkEntityAlias(wanted.entity_alias, role);
  }
  if (tokenType(creation) !== "batch") return;
  const { explicit_max_ttl, period, num_uses } = wanted;
  if (explicit_max_ttl > 0) throw badRequest("batch tokens cannot have an explicit max TTL");
  if (num_uses > 0) throw badRequest("batch tokens cannot have a limited use count");
  if (period > 0) throw badRequest("batch tokens cannot be periodic");
}

function checkOwnId(id: string, sudo: boolean): void {
  if (!sudo) throw badRequest("root or sudo privileges required to specify token id");
  if (/^(s|b|r|hvs|hvb|hvr)\./.test(id)) {
    throw badRequest("custom token ID cannot have the prefix of a generated one");
  }
  if (id.includes(".")) throw badRequest("custom token ID cannot contain the '.' character");
}

function checkEntityAlias(alias: string, role: TokenRole | undefined): void {
  const allowed = role?.allowedEntityAliases ?? [];
  if (role === undefined) throw badRequest("'entity_alias' is only allowed with a token role");
  if (!allowed.includes(alias.toLowerCase())) {
    throw badRequest("invalid 'entity_alias' value: the role does not allow it");
  }
}

async function newToken(creation: Creation): Promise<NewToken> {
  const { call, parent, wanted, role, warnings } = creation;
  const orphan = role === undefined ? wanted.no_parent : role.orphan;
  const policies = await choosePolicies({ ...creation, asked: readPolicies(wanted.policies) });
  const isRoot = policies.includes("root");
  if (isRoot && tokenType(creation) === "batch") throw badRequest("batch tokens cannot be root");
  const explicitMaxTtl = smallerLimit(wanted.explicit_max_ttl, role?.explicitMaxTtl ?? 0);
  const period = role?.period || wanted.period;
  const ttl = ttlOf(creation, isRoot, period, explicitMaxTtl);
  const now = creation.services.tokens.clock.now();
  return {
    parent: orphan ? "" : parent.id,
    policies,
    path: pathOf(call, role),
    meta: metaOf(wanted.meta),
    displayName: displayName(wanted.display_name),
    numUses: smallerLimit(wanted.num_uses, role?.numUses ?? 0),
    expireTime: ttl === 0 ? 0 : now + ttl * 1000,
    ttl,
    explicitMaxTtl: isRoot && ttl === 0 ? 0 : explicitMaxTtl,
    period: role === undefined || role.period === 0 ? wanted.period : 0,
    renewable: isRoot && ttl === 0 ? false : wanted.renewable && (role?.renewable ?? true),
    boundCidrs: role?.boundCidrs ?? [],
    namespaceId: "root",
    entityId: await entityOf(creation, orphan || wanted.no_parent),
    role: role?.name ?? "",
    noDefaultPolicy: wanted.no_default_policy,
    authMount: "auth/token/",
    internalData: role === undefined ? {} : { role: role.name },
  };

  function ttlOf(of: Creation, root: boolean, periodic: number, explicit: number): number {
    const asked = of.wanted.ttl ?? of.wanted.lease ?? 0;
    if (root && asked === 0 && periodic === 0) {
      if (of.parent.expireTime === 0) return 0;
      throw badRequest("expiring root tokens cannot create non-expiring root tokens");
    }
    const { defaultLeaseTtl, maxLeaseTtl } = of.call.mount;
    const issueTime = of.services.tokens.clock.now();
    const result = effectiveTtl({
      increment: 0,
      ttl: asked,
      period: periodic,
      maxTtl: 0,
      explicitMaxTtl: explicit,
      defaultLeaseTtl,
      maxLeaseTtl,
      issueTime,
      now: issueTime,
    });
    warnings.push(...result.warnings);
    return result.ttl;
  }
}

/** That of the alias which was asked for, else the parent's; an orphan has none. */
async function entityOf(creation: Creation, isOrphan: boolean): Promise<string> {
  const { services, call, parent, wanted } = creation;
  if (wanted.entity_alias === undefined || wanted.entity_alias === "") {
    return isOrphan ? "" : parent.entityId;
  }
  const view = await identityOfLogin(services.identity, call.transaction, {
    accessor: call.mount.accessor,
    local: call.mount.local,
    name: wanted.entity_alias.toLowerCase(),
    metadata: undefined,
    groups: undefined,
  });
  if (view.entity.disabled) throw badRequest("the entity of the alias is disabled");
  return view.entity.id;
}

function pathOf(call: Call, role: TokenRole | undefined): string {
  const suffix = role === undefined || role.pathSuffix === "" ? "" : `/${role.pathSuffix}`;
  return call.request.path.replace(/\/$/, "") + suffix;
}

function metaOf(meta: Record<string, string> | undefined): Record<string, string> | null {
  return meta === undefined || Object.keys(meta).length === 0 ? null : meta;
}

function displayName(asked: string): string {
  const cleaned = asked.replace(/[^a-zA-Z0-9-]/g, "-").replace(/^-+|-+$/g, "");
  return cleaned === "" ? "token" : `token-${cleaned}`;
}

/** The tighter of two limits of which 0 means none. */
function smallerLimit(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

/** A list of names; a single text is one name, commas and all. */
function readPolicies(value: JsonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) => {
    if (isJsonObject(item) || Array.isArray(item) || item === null || isRawNumber(item)) {
      throw badRequest("policies must be a list of names");
    }
    return String(item);
  });
}
