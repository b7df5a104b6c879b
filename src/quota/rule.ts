/** Quotas as operators write them, and which one of them holds for a request. */

interface Scope {
  readonly name: string;
  /** "" for everything; a mount's path; or a path below one, with an optional trailing `*`. */
  readonly path: string;
  /** Of an auth method: only logins with this role. */
  readonly role: string;
  readonly inheritable: boolean;
}

export interface RateLimitRule extends Scope {
  /** Requests an interval. */
  readonly rate: number;
  /** Seconds. */
  readonly interval: number;
  /** Seconds that a caller is refused after a breach; 0 for until the next interval. */
  readonly blockInterval: number;
}

export interface LeaseCountRule extends Scope {
  readonly maxLeases: number;
  /** For a role: its logins of before the rule are counted as well. Absent until they are. */
  readonly isComplete?: true;
}

/** Whether logins of before the rule have yet to be counted. */
export function isIncomplete({ role, isComplete }: LeaseCountRule): boolean {
  return role !== "" && isComplete !== true;
}

/** What a request is matched by. */
export interface QuotaSubject {
  readonly path: string;
  /** Of the mount that answers; "" where there is none. */
  readonly mount: string;
  /** Of a login; "" for anything else. */
  readonly role: string;
}

/** How narrow a rule is, or 0 where it does not match: the narrowest one holds, alone. */
function rank(rule: Scope, subject: QuotaSubject): number {
  const { path, role } = rule;
  const isMount = path !== "" && isMountPath(path, subject.mount);
  if (role !== "") return role === subject.role && isMount ? 1_000_000 : 0;
  if (path === "") return 1;
  if (isMount) return 2;
  if (path.endsWith("*")) return subject.path.startsWith(path.slice(0, -1)) ? 2 + path.length : 0;
  return path === subject.path ? 100_000 + path.length : 0;
}

/** Rules of earlier versions may lack the slash. */
function isMountPath(path: string, mount: string): boolean {
  return mount === path || (mount.length === path.length + 1 && mount.startsWith(path));
}

/** The rule that holds for a request. */
export function ruleFor<R extends Scope>(
  rules: Iterable<R>,
  subject: QuotaSubject,
): R | undefined {
  let best: R | undefined;
  let highest = 0;
  for (const rule of rules) {
    const found = rank(rule, subject);
    if (found <= highest) continue;
    highest = found;
    best = rule;
  }
  return best;
}

/** Two rules of one kind that would hold for just the same requests. */
export function sameScope(a: Scope, b: Scope): boolean {
  return a.path === b.path && a.role === b.role && a.name !== b.name;
}
