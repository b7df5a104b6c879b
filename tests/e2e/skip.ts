/** Tests that need what not every machine has. */

/** Whether nothing may be skipped. */
export const isCi = (Deno.env.get("CI") ?? "") !== "";

/**
 * True where the machine has what a test needs; else says so and lets the test pass, except where
 * CI is set: there everything must be.
 */
export function skipUnless(test: Deno.TestContext, there: boolean, what: string): boolean {
  if (there) return true;
  if (isCi) throw new Error(`${test.name}: needs ${what}`);
  console.log(`skipped: ${test.name} (needs ${what})`);
  return false;
}
