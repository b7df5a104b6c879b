import type { Position } from "../config/hcl/ast.ts";
import type { JsonValue } from "../logical/json.ts";
import type { CapabilitySet } from "./capability.ts";

/** Values that a rule names for parameters, by lower-case parameter name. Empty: any value. */
export type ParameterValues = ReadonlyMap<string, readonly JsonValue[]>;

/** One `path` stanza. */
export interface PolicyRule {
  /** Without a leading slash; `+` and a trailing `*` are wildcards. */
  readonly path: string;
  /** Where the stanza stands in the policy's text. */
  readonly at: Position;
  /** Deny stands alone. */
  readonly capabilities: CapabilitySet;
  readonly allowedParameters?: ParameterValues;
  readonly deniedParameters?: ParameterValues;
  /** Lower-case names. */
  readonly requiredParameters?: readonly string[];
  /** Seconds. The caller must ask for wrapping of at least this. */
  readonly minWrappingTtl?: number;
  /** Seconds. The caller must ask for wrapping of at most this. */
  readonly maxWrappingTtl?: number;
  /** Milliseconds since the epoch from which on the rule counts as absent. */
  readonly expiresAt?: number;
  /** Most keys that one list may ask for; a list without a limit gets this one. */
  readonly paginationLimit?: number;
  /** Template of the path a listed key stands for; keys whose path can't be read are left out. */
  readonly listFilterPath?: string;
  readonly comment?: string;
  /** The path holds `{{…}}`. */
  readonly templated: boolean;
}

/** An ACL policy as parsed. Immutable. */
export interface ParsedPolicy {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  /** Some path holds `{{…}}` and must be expanded for each entity. */
  readonly templated: boolean;
}
