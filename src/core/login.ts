/** Turns what an auth method answered into a token. */
import { type Awaitable, chain } from "../base/awaitable.ts";
import { badRequest, permissionDenied } from "../base/failure.ts";
import { identityOfLogin } from "../identity/login.ts";
import type { Auth } from "../logical/auth.ts";
import { type LogicalResponse, withWarnings } from "../logical/response.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { NewToken } from "../token/store.ts";
import { effectiveTtl } from "../token/ttl.ts";
import type { Call } from "./backend.ts";
import { loginRole } from "./admission.ts";
import { checkAddress } from "./authenticate.ts";
import { countToken } from "./measure.ts";
import type { Services } from "./services.ts";

/** Makes the token of a login and fills in the answer's `auth`. */
export async function completeLogin(
  services: Services,
  transaction: Transaction,
  call: Call,
  response: LogicalResponse,
): Promise<void> {
  const auth = response.auth;
  if (auth === undefined) return;
  checkAddress(auth.boundCidrs, call.request.connection.remoteAddress);
  const now = services.tokens.clock.now();
  const { ttl, warnings } = effectiveTtl({
    increment: 0,
    ttl: auth.leaseDurationSeconds,
    period: auth.periodSeconds,
    maxTtl: auth.maxTtlSeconds,
    explicitMaxTtl: auth.explicitMaxTtlSeconds,
    defaultLeaseTtl: call.mount.defaultLeaseTtl,
    maxLeaseTtl: call.mount.maxLeaseTtl,
    issueTime: now,
    now,
  });
  auth.tokenPolicies = loginPolicies(auth);
  // What is at hand is not waited for: see `chain`.
  const identified = findIdentity(services, transaction, call, auth);
  if (identified !== undefined) await identified;
  auth.leaseDurationSeconds = ttl;
  const spec: NewToken = {
    parent: "",
    policies: auth.tokenPolicies,
    path: call.request.path,
    meta: auth.metadata,
    displayName: displayName(call.mount.path, auth.displayName),
    numUses: auth.numUses,
    expireTime: now + ttl * 1000,
    ttl,
    explicitMaxTtl: auth.explicitMaxTtlSeconds,
    period: auth.periodSeconds,
    renewable: auth.renewable,
    boundCidrs: auth.boundCidrs,
    namespaceId: "root",
    entityId: auth.entityId,
    role: "",
    noDefaultPolicy: auth.noDefaultPolicy,
    authMount: call.mount.path,
    internalData: { ...auth.internalData, maxTtl: auth.maxTtlSeconds },
  };
  const { path } = call.request;
  const role = services.quotas.countsByRole
    ? await loginRole(services.mounts.router.find(path), call)
    : "";
  const subject = { path, mount: call.mount.path, role };
  const reserved = services.quotas.reserveLease(transaction, subject);
  const countedAs = reserved instanceof Promise ? await reserved : reserved;
  if (auth.tokenType === "batch") {
    const made = services.batchTokens.create(spec);
    transaction.afterCommit(() => countToken(services, made.entry));
    auth.clientToken = made.token;
    auth.renewable = false;
    auth.numUses = 0;
  } else {
    const issued = services.issuer.issue(
      transaction,
      countedAs === undefined ? spec : { ...spec, countedAs },
    );
    const made = issued instanceof Promise ? await issued : issued;
    auth.clientToken = made.token;
    auth.accessor = made.entry.accessor;
  }
  withWarnings(response, warnings);
}

/** The entity that the login is of. Throws a 403 for one that is disabled. */
function findIdentity(
  services: Services,
  transaction: Transaction,
  { mount }: Call,
  auth: Auth,
): Awaitable<void> {
  const { alias } = auth;
  if (alias === undefined) return;
  const found = identityOfLogin(services.identity, transaction, {
    accessor: mount.accessor,
    local: mount.local,
    name: alias.name,
    metadata: alias.metadata,
    groups: auth.groupAliases,
  });
  return chain(found, (view) => {
    if (view.entity.disabled) throw permissionDenied();
    auth.entityId = view.entity.id;
    auth.identityPolicies = [...view.policies];
  });
}

/** The mount's path and the name, joined by dashes. */
function displayName(mountPath: string, name: string): string {
  const mount = mountPath.replace(/^auth\//, "").replace(/\/$/, "").replaceAll("/", "-");
  return name === "" ? mount : `${mount}-${name}`;
}

function loginPolicies(auth: Auth): string[] {
  const names = new Set(auth.tokenPolicies.map((name) => name.toLowerCase().trim()));
  names.delete("");
  if (names.has("root")) throw badRequest("auth methods cannot create root tokens");
  if (!auth.noDefaultPolicy) names.add("default");
  return [...names].sort();
}
