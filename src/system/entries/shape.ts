/** Says what is wrong with the form of a parsed entry, in the words of its fields. */
import { isJsonObject, isRawNumber, type JsonValue } from "../../logical/json.ts";

/** What a field must be. */
export type Form = "text" | "number" | "boolean" | "object" | "list" | "texts";

/** Fields that must be there, by name; `?` at the end of a name allows it to be absent or null. */
export type Shape = Readonly<Record<string, Form>>;

const words: Readonly<Record<Form, string>> = {
  text: "a text",
  number: "a number",
  boolean: "true or false",
  object: "an object",
  list: "a list",
  texts: "a list of texts",
};

function fits(value: JsonValue, form: Form): boolean {
  switch (form) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number" || isRawNumber(value);
    case "boolean":
      return typeof value === "boolean";
    case "object":
      return isJsonObject(value);
    case "list":
      return Array.isArray(value);
    case "texts":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
  }
}

/** The first field that is not what it must be; undefined where all are. Never names a value. */
export function shapeProblem(value: JsonValue, shape: Shape, within = ""): string | undefined {
  if (!isJsonObject(value)) return `${within === "" ? "it" : within} is no object`;
  for (const [key, form] of Object.entries(shape)) {
    const isOptional = key.endsWith("?");
    const name = isOptional ? key.slice(0, -1) : key;
    const shown = within === "" ? name : `${within}.${name}`;
    const found = value[name];
    if (isOptional && (found === undefined || found === null)) continue;
    if (found === undefined) return `${shown} is missing`;
    if (!fits(found, form)) return `${shown} is not ${words[form]}`;
  }
  return undefined;
}
