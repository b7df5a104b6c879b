/** The product's version, as the API's health and this client print it. */
export const version = "0.1.0";

/** The line that `version` prints: name, version, what runs it. */
export function versionLine(): string {
  return `Holdfast v${version} (on Deno ${Deno.version.deno}, ${Deno.build.target})`;
}
