/** Finds the mount that a path belongs to: the longest mounted prefix wins. */
import type { LogicalBackend, SpecialPaths } from "./backend.ts";
import { type MountEntry, routePath } from "./mount_entry.ts";

/** An entry with the backend that answers for it. */
export interface Mounted {
  readonly entry: MountEntry;
  readonly backend: LogicalBackend;
  /** Whether a path below the mount needs no token. */
  readonly isUnauthenticated: (path: string) => boolean;
  /** Whether a path below the mount needs sudo. */
  readonly isRoot: (path: string) => boolean;
}

export interface Route {
  readonly mounted: Mounted;
  /** Relative to the mount. */
  readonly path: string;
}

export class Router {
  readonly #byPath = new Map<string, Mounted>();

  add(entry: MountEntry, backend: LogicalBackend): Mounted {
    const mounted = {
      entry,
      backend,
      isUnauthenticated: matcher(backend.specialPaths.unauthenticated),
      isRoot: matcher(backend.specialPaths.root),
    };
    this.#byPath.set(routePath(entry), mounted);
    return mounted;
  }

  remove(path: string): void {
    this.#byPath.delete(path);
  }

  /** The mount at exactly this path. */
  at(path: string): Mounted | undefined {
    return this.#byPath.get(path);
  }

  all(): Iterable<Mounted> {
    return this.#byPath.values();
  }

  /** The mount for a request path; a mount's own path may come without its trailing slash. */
  find(path: string): Route | undefined {
    for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
      const prefix = at === path.length ? `${path}/` : path.slice(0, at + 1);
      const mounted = this.#byPath.get(prefix);
      if (mounted !== undefined) return { mounted, path: path.slice(prefix.length) };
      if (at === path.length && path.endsWith("/")) {
        const whole = this.#byPath.get(path);
        if (whole !== undefined) return { mounted: whole, path: "" };
      }
    }
    return undefined;
  }

  /** The path of a mount that a new one at `path` would clash with. */
  conflict(path: string): string | undefined {
    for (const mounted of this.#byPath.keys()) {
      if (mounted.startsWith(path) || path.startsWith(mounted)) return mounted;
    }
    return undefined;
  }
}

/** Compiles special paths: exact, `prefix*`, and `+` for one segment. */
function matcher(patterns: SpecialPaths["root"]): (path: string) => boolean {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  const expressions: RegExp[] = [];
  for (const pattern of patterns ?? []) {
    if (/(^|\/)\+(\/|$)/.test(pattern)) expressions.push(wildcard(pattern));
    else if (pattern.endsWith("*")) prefixes.push(pattern.slice(0, -1));
    else exact.add(pattern);
  }
  return (path) =>
    exact.has(path) || prefixes.some((prefix) => path.startsWith(prefix)) ||
    expressions.some((expression) => expression.test(path));
}

function wildcard(pattern: string): RegExp {
  const open = pattern.endsWith("*");
  const body = (open ? pattern.slice(0, -1) : pattern).split("/")
    .map((part) => part === "+" ? "[^/]+" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("/");
  return new RegExp(`^${body}${open ? "" : "$"}`);
}
