/** A tenant's own tree of mounts, policies and tokens. Only the root one exists for now. */
export interface Namespace {
  /** "root", or five characters of base 62. */
  readonly id: string;
  /** "" for the root namespace, else a path that ends in "/". */
  readonly path: string;
}

export const rootNamespace: Namespace = { id: "root", path: "" };
