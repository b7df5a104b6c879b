/** A login's outcome: what the token that is made for it may do, and for how long. */
import type { JsonObject } from "./json.ts";

export type TokenType = "service" | "batch";

/** Who logged in, as the auth method knows them; the core finds or makes the entity. */
export interface LoginAlias {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface Auth {
  /** Filled in by the core once the token exists. */
  clientToken: string;
  accessor: string;
  readonly displayName: string;
  /** What the token itself carries, "default" included. */
  tokenPolicies: string[];
  /** What comes from the entity and its groups. */
  identityPolicies: string[];
  readonly metadata: Readonly<Record<string, string>> | null;
  /** Seconds; 0 takes the mount's default. */
  leaseDurationSeconds: number;
  readonly maxTtlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  renewable: boolean;
  numUses: number;
  readonly boundCidrs: readonly string[];
  tokenType: TokenType;
  readonly orphan: boolean;
  entityId: string;
  readonly noDefaultPolicy: boolean;
  readonly alias?: LoginAlias;
  /** Groups of the outside world, matched with group aliases. */
  readonly groupAliases?: readonly string[];
  /** Kept with the lease and given back on renewal. */
  readonly internalData: JsonObject;
}

/** An Auth with everything unsaid at its neutral value. */
export function newAuth(given: Partial<Auth>): Auth {
  return {
    clientToken: "",
    accessor: "",
    displayName: "",
    tokenPolicies: [],
    identityPolicies: [],
    metadata: null,
    leaseDurationSeconds: 0,
    maxTtlSeconds: 0,
    explicitMaxTtlSeconds: 0,
    periodSeconds: 0,
    renewable: true,
    numUses: 0,
    boundCidrs: [],
    tokenType: "service",
    orphan: true,
    entityId: "",
    noDefaultPolicy: false,
    internalData: {},
    ...given,
  };
}
