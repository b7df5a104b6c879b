/** What a role wants of a token's claims, and what it takes from them. */
import { badRequest } from "../../base/failure.ts";
import { isJsonObject, isRawNumber, type JsonObject, type JsonValue } from "../../logical/json.ts";
import { globMatches } from "../token/role.ts";

/** A claim by name, or by JSON pointer (RFC 6901) where the name starts with a slash. */
export function findClaim(claims: JsonObject, name: string, pointer = true): JsonValue | undefined {
  if (!pointer || !name.startsWith("/")) {
    return Object.hasOwn(claims, name) ? claims[name] : undefined;
  }
  let at: JsonValue | undefined = claims;
  for (const escaped of name.slice(1).split("/")) {
    const key = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(at)) at = /^\d+$/.test(key) ? at[Number(key)] : undefined;
    else if (isJsonObject(at) && Object.hasOwn(at, key)) at = at[key];
    else return undefined;
  }
  return at;
}

/** Throws a 400 unless each bound claim has one of its values. */
export function checkBoundClaims(claims: JsonObject, bound: JsonObject, globs: boolean): void {
  for (const [name, expected] of Object.entries(bound)) {
    const actual = findClaim(claims, name);
    if (actual === undefined) throw badRequest(`claim "${name}" is missing`);
    const wanted = listOf(expected ?? null);
    const matches = listOf(actual).some((value) =>
      wanted.some((one) => sameValue(value, one, globs))
    );
    if (!matches) throw badRequest(`claim "${name}" does not match any associated bound claim`);
  }
}

function listOf(value: JsonValue): JsonValue[] {
  return Array.isArray(value) ? value : [value];
}

function sameValue(actual: JsonValue, wanted: JsonValue, globs: boolean): boolean {
  if (typeof actual === "string" && typeof wanted === "string") {
    return globs ? globMatches(wanted, actual) : actual === wanted;
  }
  if (isRawNumber(actual) || isRawNumber(wanted)) return numberOf(actual) === numberOf(wanted);
  return typeof actual !== "object" && actual === wanted;
}

function numberOf(value: JsonValue): number | undefined {
  if (isRawNumber(value)) return Number(value.rawJSON);
  return typeof value === "number" ? value : undefined;
}

/** Throws a 400 unless a bound audience is among the token's; one that is not bound is refused. */
export function checkAudience(claims: JsonObject, bound: readonly string[]): void {
  const audience = claims.aud;
  const own = audience === undefined || audience === null ? [] : listOf(audience);
  if (bound.length === 0) {
    if (own.length > 0) {
      throw badRequest("audience claim found in token, but none bound to the role");
    }
    return;
  }
  if (!own.some((one) => typeof one === "string" && bound.includes(one))) {
    throw badRequest("invalid audience (aud) claim");
  }
}

/** The name of the entity's alias. */
export function userOf(claims: JsonObject, name: string, pointer: boolean): string {
  const user = findClaim(claims, name, pointer);
  if (typeof user !== "string" || user === "") {
    throw badRequest(`claim "${name}" is missing or no text`);
  }
  return user;
}

/** Metadata by the role's mappings; claims that are not there are left out. */
export function mappedMetadata(
  claims: JsonObject,
  mappings: Readonly<Record<string, string>>,
): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [claim, key] of Object.entries(mappings)) {
    const value = findClaim(claims, claim);
    if (value === undefined || value === null) continue;
    if (typeof value !== "string") throw badRequest(`claim "${claim}" is no text`);
    metadata[key] = value;
  }
  return metadata;
}

/** Names of groups. A single text is one, or several where they have a separator. */
export function groupsOf(
  claims: JsonObject,
  name: string,
  separator?: string,
): string[] | undefined {
  if (name === "") return undefined;
  const value = findClaim(claims, name);
  if (value === undefined || value === null) throw badRequest(`claim "${name}" is missing`);
  const groups = typeof value === "string" && separator !== undefined
    ? value.split(separator).filter((group) => group !== "")
    : listOf(value);
  return groups.map((group) => {
    if (typeof group !== "string") throw badRequest(`claim "${name}" is no list of texts`);
    return group;
  });
}
