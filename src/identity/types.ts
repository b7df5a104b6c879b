/** Who the callers are, across the auth methods they use. Times are milliseconds since the epoch. */

export type Metadata = Readonly<Record<string, string>>;

/** The name by which one auth mount knows an entity or an external group. */
export interface Alias {
  readonly id: string;
  readonly name: string;
  readonly mountAccessor: string;
  /** Written by the auth method at each login. */
  readonly metadata: Metadata | null;
  /** Written by operators. */
  readonly customMetadata: Metadata | null;
  readonly creationTime: number;
  readonly lastUpdateTime: number;
  /** Entities that it belonged to before they were merged. */
  readonly mergedFrom: readonly string[];
  readonly local: boolean;
}

/** One person or program. At most one alias a mount. */
export interface Entity {
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata | null;
  readonly policies: readonly string[];
  /** Its tokens are refused, and it can't log in. */
  readonly disabled: boolean;
  readonly creationTime: number;
  readonly lastUpdateTime: number;
  readonly mergedEntityIds: readonly string[];
  readonly aliases: readonly Alias[];
  readonly namespaceId: string;
}

/** `internal`: members are named here. `external`: they come and go with their logins. */
export type GroupType = "internal" | "external";

/** Members are kept apart, as index entries, so that a group may have any number of them. */
export interface Group {
  readonly id: string;
  readonly name: string;
  readonly type: GroupType;
  readonly metadata: Metadata | null;
  /** null until some were given; shown so. */
  readonly policies: readonly string[] | null;
  /** Whether entity members were ever given, were it none. */
  readonly membersGiven: boolean;
  readonly creationTime: number;
  readonly lastUpdateTime: number;
  /** Counts its changes, from 1. */
  readonly modifyIndex: number;
  readonly alias: Alias | null;
  readonly namespaceId: string;
}
