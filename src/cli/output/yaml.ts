/** YAML output, by the `yaml` package: keys in order, YAML 1.1 quoting so that any reader agrees. */
import { stringify } from "yaml";
import { ExactNumber, isList, isObject, type Json, sortKeys } from "../json.ts";

/** A YAML document that ends with a line break. */
export function writeYaml(value: Json): string {
  return stringify(plain(sortKeys(value)), {
    version: "1.1",
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
    blockQuote: "literal",
  });
}

function plain(value: Json): unknown {
  // Numbers beyond a double are whole numbers here: request counts and index values.
  if (value instanceof ExactNumber) {
    return /^-?\d+$/.test(value.digits) ? BigInt(value.digits) : Number(value.digits);
  }
  if (isList(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
