import { formatHcl } from "../config/hcl/format.ts";
import { parsePolicy } from "./parse.ts";

/**
 * Formats a policy as `policy fmt` does, keeping its comments.
 * @throws Failure 400 for a text that is no policy
 */
export function formatPolicy(text: string): string {
  parsePolicy(text);
  return formatHcl(text);
}
