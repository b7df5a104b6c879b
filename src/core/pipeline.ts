/**
 * The life of a request, from top to bottom: token, policy, audit, route, lease or login, wrap,
 * audit. Everything it reads and changes goes through one transaction: it happens whole or not at
 * all, and what it answers was true at one moment.
 */
import { describeError, Failure, permissionDenied } from "../base/failure.ts";
import type { IdentityView } from "../identity/views.ts";
import type { Operation, Request } from "../logical/request.ts";
import type { LogicalResponse } from "../logical/response.ts";
import type { Transaction } from "../storage/transaction.ts";
import { type PolicyResults, policyResults } from "../policy/granting.ts";
import type { TokenEntry } from "../token/entry.ts";
import type { AuditedMount, AuditedRequest } from "../audit/record.ts";
import { admit } from "./admission.ts";
import { authenticate, findToken } from "./authenticate.ts";
import type { Call } from "./backend.ts";
import { helpFor } from "./help.ts";
import { WrongCredentials } from "./lockout.ts";
import { completeLogin } from "./login.ts";
import { explainBegun, isLoss } from "./loss.ts";
import { type MountEntry, routePath, storagePrefix } from "./mount_entry.ts";
import { NotAnswered } from "./not_answered.ts";
import type { Mounted, Route } from "./router.ts";
import { registerSecret } from "./secret_lease.ts";
import type { Services } from "./services.ts";
import {
  authorizeSnapshotUse,
  findRoute,
  readsSnapshot,
  recoverySource,
  snapshotParts,
} from "./snapshot_use.ts";

/** One request on its way. */
interface Passage {
  readonly services: Services;
  readonly request: Request;
  readonly route: Route | undefined;
  readonly needsToken: boolean;
  readonly asked: Operation;
  /** See `handleRequest`. */
  readonly mayAnswer: ((token: TokenEntry) => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Set once the token is known, for the audit of a refusal too. */
  token: TokenEntry | undefined;
  /** The token's entity and its groups. */
  identity: IdentityView | undefined;
  /** Which policies have allowed or refused it. */
  results: PolicyResults | undefined;
  /** A retry of the transaction is the same request: recorded once. */
  recorded: AuditedRequest | undefined;
  /** Work that is larger than one transaction and belongs to this request. */
  afterwards: readonly (() => Promise<void>)[];
  /** Something of it is done, whatever becomes of the rest. */
  isBegun: boolean;
}

/**
 * Answers a request of an unsealed node. Throws `Failure` for what is refused. `mayAnswer` is asked once
 * the token is known; where it throws `NotAnswered`, nothing was done and nothing is recorded.
 */
export async function handleRequest(
  services: Services,
  request: Request,
  mayAnswer?: (token: TokenEntry) => void,
): Promise<LogicalResponse | undefined> {
  const { metrics, inFlight } = services;
  const start = metrics.now();
  const passage = begin(services, request, mayAnswer);
  inFlight.add(passage);
  try {
    let response: LogicalResponse | undefined;
    try {
      // What has nothing to wait for is not waited for: each turn costs a fraction of a microsecond.
      if (services.quotas.rateLimits.size > 0) await limitRate(passage);
      response = await services.transactions.run((transaction) => pass(passage, transaction));
      await services.revoker.finish();
      for (const task of passage.afterwards) await task();
    } catch (error) {
      if (error instanceof NotAnswered) throw error;
      await recordRefusal(passage, error);
      if (passage.isBegun) throw explainBegun(error);
      // What could not be written may count the use as well, and another write fares no better.
      if (isLoss(error)) throw error;
      await useUpAfterRefusal(passage);
      if (error instanceof WrongCredentials) await services.lockouts.lockIfDue(error);
      throw error;
    }
    if (services.auditor.enabled) await recordAnswer(passage, response);
    return response;
  } finally {
    inFlight.delete(passage);
    const summary = passage.needsToken ? metrics.handleRequest : metrics.handleLogin;
    summary.observe(metrics.now() - start);
  }
}

function begin(
  services: Services,
  request: Request,
  mayAnswer: Passage["mayAnswer"],
): Passage {
  const route = findRoute(services, request);
  return {
    services,
    request,
    route,
    needsToken: route === undefined || request.snapshot !== undefined ||
      !route.mounted.isUnauthenticated(route.path),
    asked: request.operation,
    mayAnswer,
    time: services.tokens.clock.now(),
    token: undefined,
    identity: undefined,
    results: undefined,
    recorded: undefined,
    afterwards: [],
    isBegun: false,
  };
}

/** Too many requests are refused before anything else is done for them. */
async function limitRate(passage: Passage): Promise<void> {
  const { services, request, route } = passage;
  await admit(
    services,
    request,
    route,
    (run) =>
      services.transactions.run((transaction) =>
        route === undefined ? "" : run(callOf(passage, route, transaction))
      ),
  );
}

async function pass(
  passage: Passage,
  transaction: Transaction,
): Promise<LogicalResponse | undefined> {
  const { services, request, route } = passage;
  const { tokens, batchTokens, metrics } = services;
  request.operation = passage.asked;
  const checkStart = metrics.checkBegins();
  passage.token = passage.needsToken
    ? await authenticate(transaction, tokens, batchTokens, request)
    : await findToken(transaction, tokens, batchTokens, request);
  if (passage.token !== undefined) {
    metrics.checked(metrics.lookup, checkStart);
    passage.mayAnswer?.(passage.token);
  }
  if (passage.needsToken && passage.token !== undefined && passage.token.entityId !== "") {
    await identify(passage, transaction, passage.token.entityId);
  }
  const call = route === undefined ? undefined : callOf(passage, route, transaction);
  if (request.operation === "update" && call !== undefined && route !== undefined) {
    await tellCreate(route.mounted, call);
  }
  if (passage.needsToken) await authorize(passage, transaction, checkStart);
  if (services.auditor.enabled) await recordRequest(passage);
  if (call === undefined || route === undefined) {
    throw new Failure(404, `no handler for route "${request.path}". route entry not found.`);
  }
  if (route.mounted.entry.tainted) {
    throw new Failure(404, `no handler for route "${request.path}". it is being disabled.`);
  }
  const { entry, backend } = route.mounted;
  const start = metrics.now();
  let response: LogicalResponse | undefined;
  try {
    response = request.operation === "help"
      ? helpFor(backend, entry.options, route.path)
      : await backend.handle(
        request.operation === "recover"
          ? { ...call, recovered: recoverySource(services, request) }
          : call,
      );
  } finally {
    const { operation } = request;
    const measured = readsSnapshot(request) ? `${operation}-snapshot` as const : operation;
    metrics.route(measured, routePath(entry)).observe(metrics.now() - start);
  }
  const counted = countedToken(passage);
  if (counted !== undefined) await useUp(services, transaction, counted);
  passage.afterwards = transaction.tasks;
  transaction.afterCommit(() => {
    passage.isBegun = !transaction.changesNothing || transaction.tasks.length > 0;
  });
  return response === undefined ? undefined : await complete(passage, route, call, response);
}

/** Refuses tokens whose entity is disabled or gone. */
async function identify(
  passage: Passage,
  transaction: Transaction,
  entityId: string,
): Promise<void> {
  const view = await passage.services.identity.views.get(transaction, entityId);
  if (view === undefined || view.entity.disabled) throw permissionDenied();
  passage.identity = view;
}

function callOf(passage: Passage, route: Route, transaction: Transaction): Call {
  const { services, request } = passage;
  const { entry } = route.mounted;
  const prefix = storagePrefix(entry);
  return {
    request,
    path: route.path,
    mount: services.mounts.info(entry),
    storage: transaction.within(prefix),
    transaction,
    token: passage.token,
    cached: (key, decode) => services.cache.read(transaction, prefix + key, decode),
    keep: (key, value, decoded) => services.cache.keep(transaction, prefix + key, value, decoded),
    ...(readsSnapshot(request) ? snapshotParts(services, request, route) : {}),
  };
}

/** A write is an update unless the backend says that there is nothing yet. */
async function tellCreate(mounted: Mounted, call: Call): Promise<void> {
  if (await mounted.backend.exists(call) === false) call.request.operation = "create";
}

/** `start` is what `checkBegins` said of this request. */
async function authorize(
  passage: Passage,
  transaction: Transaction,
  start: number | undefined,
): Promise<void> {
  const { services, request, route, token } = passage;
  if (token === undefined) throw permissionDenied();
  const acl = await services.acls.forToken(transaction, token, passage.identity);
  const { metrics } = services;
  metrics.checked(metrics.fetchAcl, start);
  const decision = acl.check({
    path: request.path,
    operation: request.operation,
    data: request.data,
    wrapTtlSeconds: request.wrap?.ttlSeconds ?? 0,
  });
  metrics.checked(metrics.checkToken, start);
  passage.results = policyResults(decision, request.operation);
  if (!decision.allowed) throw permissionDenied();
  const needsSudo = route !== undefined && route.mounted.isRoot(route.path);
  if (needsSudo && !decision.sudo && request.operation !== "help") {
    passage.results = policyResults({ ...decision, allowed: false }, request.operation);
    throw permissionDenied();
  }
  services.activity.note(token);
  authorizeSnapshotUse(services, request, acl, decision);
}

/** Registers what must end, makes the token of a login, hides the answer where that was asked. */
async function complete(
  passage: Passage,
  route: Route,
  call: Call,
  response: LogicalResponse,
): Promise<LogicalResponse> {
  const { services, request } = passage;
  const { transaction } = call;
  const login = response.auth;
  if (login !== undefined && login.clientToken === "" && login.accessor === "") {
    await completeLogin(services, transaction, call, response);
  }
  if (response.secret !== undefined) {
    await registerSecret(services, call, response, response.secret);
  }
  const wrap = request.wrap;
  const wrappable = response.raw === undefined && response.wrapInfo === undefined &&
    (response.status ?? 200) < 400 && route.mounted.backend.type !== "unwrappable";
  if (wrap === undefined || !wrappable) return response;
  return await services.wrapping.wrap(transaction, request, response, wrap);
}

/** The token that the request takes a use from; undefined where it has no limit. */
function countedToken({ needsToken, token }: Passage): TokenEntry | undefined {
  return needsToken && token?.numUses !== 0 ? token : undefined;
}

/** Takes one use from a token that has a limit; the last one takes the token. */
async function useUp(
  services: Services,
  transaction: Transaction,
  token: TokenEntry,
): Promise<void> {
  const current = await services.tokens.lookupHash(transaction, token.id);
  if (current === undefined) return;
  if (current.numUses <= 1) await services.revoker.revokeTree(transaction, current);
  else {
    services.times.untilDurable(transaction, "token.store");
    services.tokens.save(transaction, { ...current, numUses: current.numUses - 1 });
  }
}

/** A refused request counts as a use too: guessing must not be free. */
async function useUpAfterRefusal(passage: Passage): Promise<void> {
  const { services } = passage;
  const counted = countedToken(passage);
  if (counted === undefined) return;
  await services.transactions.run((transaction) => useUp(services, transaction, counted));
}

async function recordRequest(passage: Passage, error?: string): Promise<void> {
  const { auditor } = passage.services;
  if (passage.recorded !== undefined) return;
  passage.recorded = recordOf(passage);
  await auditor.logRequest(passage.recorded, error);
}

async function recordAnswer(
  passage: Passage,
  response: LogicalResponse | undefined,
): Promise<void> {
  const record = passage.recorded ?? recordOf(passage);
  await passage.services.auditor.logResponse(record, { response, error: undefined });
}

async function recordRefusal(passage: Passage, reason: unknown): Promise<void> {
  const { auditor, quotas } = passage.services;
  if (!auditor.enabled) return;
  const limited = reason instanceof Failure && reason.status === 429;
  if (limited && !quotas.config.auditRefusals) return;
  const error = reason instanceof Failure ? describeError(reason) : "internal error";
  await recordRequest(passage, error);
  const record = passage.recorded ?? recordOf(passage);
  await auditor.logResponse(record, { response: undefined, error });
}

function recordOf(passage: Passage): AuditedRequest {
  const { request, time, token, identity, results, route } = passage;
  const mount = route && auditedMount(route.mounted);
  return {
    request,
    time,
    token,
    mount,
    ...(identity && { identityPolicies: identity.policies }),
    ...(results && { policyResults: results }),
  };
}

/** Entries are replaced when they change, never altered. */
const auditedMounts = new WeakMap<MountEntry, AuditedMount>();

function auditedMount({ entry }: Mounted): AuditedMount {
  const known = auditedMounts.get(entry);
  if (known !== undefined) return known;
  const mount: AuditedMount = {
    path: routePath(entry),
    type: entry.type,
    class: entry.table === "auth" ? "auth" : "secret",
    accessor: entry.accessor,
    nonHmacRequestKeys: entry.config.auditNonHmacRequestKeys,
    nonHmacResponseKeys: entry.config.auditNonHmacResponseKeys,
  };
  auditedMounts.set(entry, mount);
  return mount;
}
