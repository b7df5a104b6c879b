/** The output formats a command can be asked for. */
import { type Json, writeJson } from "../json.ts";

export const formats = ["table", "json", "yaml", "yml", "pretty", "raw"] as const;
export type Format = typeof formats[number];

/** The format by its name, any case; undefined for a name that is none. */
export function formatNamed(name: string): Format | undefined {
  return formats.find((format) => format === name.toLowerCase());
}

/** True for the formats that people read rather than programs. */
export function isForPeople(format: Format): boolean {
  return format === "table" || format === "pretty";
}

/** A value in one of the formats for programs, ending with a line break. */
export async function writeValue(value: Json, format: Format): Promise<string> {
  if (format === "yaml" || format === "yml") {
    const { writeYaml } = await import("./yaml.ts");
    return writeYaml(value);
  }
  return `${writeJson(value, 2)}\n`;
}
