/** Claims of identity tokens: JSON in which `{{…}}` stands for what is known of the entity. */
import { badRequest } from "../../../base/failure.ts";
import { parseDuration } from "../../../config/units.ts";
import type { IdentityView } from "../../../identity/views.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../../logical/json.ts";

/** Claims that only the server itself sets. */
const reserved = [
  "iat",
  "aud",
  "exp",
  "iss",
  "sub",
  "namespace",
  "nonce",
  "auth_time",
  "at_hash",
  "c_hash",
];

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** The template's text; it may come in base64. */
export function readTemplate(given: string): string {
  if (given === "" || given.trimStart().startsWith("{")) return given;
  const decoded = /^[A-Za-z0-9+/]+={0,2}$/.test(given) && given.length % 4 === 0
    ? new TextDecoder().decode(Uint8Array.fromBase64(given))
    : given;
  return decoded;
}

/** Throws a 400 for a template that makes no JSON object, or one with a reserved claim. */
export function checkTemplate(template: string): void {
  for (const name of Object.keys(fillTemplate(template, undefined, 0))) {
    if (reserved.includes(name)) throw badRequest(`top level key "${name}" not allowed`);
  }
}

/** The claims for one entity; what it has nothing for is empty. `now` in seconds. */
export function fillTemplate(
  template: string,
  view: IdentityView | undefined,
  now: number,
): JsonObject {
  if (template === "") return {};
  const text = template.replace(
    placeholder,
    (_all, name: string) => JSON.stringify(valueOf(name, view, now)),
  );
  let claims: JsonValue;
  try {
    claims = parseJson(text);
  } catch (cause) {
    throw badRequest("error parsing template JSON", cause);
  }
  if (!isJsonObject(claims)) throw badRequest("the template must be a JSON object");
  return claims;
}

function valueOf(name: string, view: IdentityView | undefined, now: number): JsonValue {
  if (name.startsWith("time.now")) return timeOf(name, now);
  if (name === "identity.entity.groups.names") return view?.groups.map((g) => g.name) ?? [];
  if (name === "identity.entity.groups.ids") return view?.groups.map((g) => g.id) ?? [];
  const ofAlias = /^identity\.entity\.aliases\.([^.]+)\.(.+)$/.exec(name);
  if (ofAlias !== null) {
    const alias = view?.entity.aliases.find(({ mountAccessor }) => mountAccessor === ofAlias[1]);
    return fieldOf(ofAlias[2] ?? "", alias);
  }
  const ofEntity = /^identity\.entity\.(.+)$/.exec(name);
  if (ofEntity === null) throw badRequest(`template holds an unknown parameter "${name}"`);
  return fieldOf(ofEntity[1] ?? "", view?.entity);
}

interface Described {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly customMetadata?: Readonly<Record<string, string>> | null;
}

function fieldOf(field: string, of: Described | undefined): JsonValue {
  if (field === "id") return of?.id ?? "";
  if (field === "name") return of?.name ?? "";
  if (field === "metadata") return { ...of?.metadata };
  if (field === "custom_metadata") return { ...of?.customMetadata };
  const entry = /^(custom_)?metadata\.(.+)$/.exec(field);
  if (entry === null) throw badRequest(`template holds an unknown parameter "${field}"`);
  const metadata = (entry[1] === undefined ? of?.metadata : of?.customMetadata) ?? {};
  const key = entry[2] ?? "";
  return Object.hasOwn(metadata, key) ? metadata[key] ?? "" : "";
}

function timeOf(name: string, now: number): number {
  if (name === "time.now") return now;
  const moved = /^time\.now\.(plus|minus)\.(.+)$/.exec(name);
  const seconds = parseDuration(moved?.[2] ?? "");
  if (moved === null || seconds === undefined) {
    throw badRequest(`template holds an unknown parameter "${name}"`);
  }
  return moved[1] === "plus" ? now + seconds : now - seconds;
}
