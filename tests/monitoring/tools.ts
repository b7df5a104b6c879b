/** Prometheus and its tool, where the machine has them (`apt-get install prometheus`). */

/** Runs a tool; undefined where there is none. */
export async function run(
  program: string,
  args: readonly string[],
): Promise<{ code: number; text: string } | undefined> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export const monitoring = new URL("../../systemd/monitoring/", import.meta.url);

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Expressions of the dashboard, for all instances. */
export async function dashboardExpressions(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("grafana.json", monitoring));
  const { panels }: { readonly panels: readonly Panel[] } = JSON.parse(text);
  return panels.flatMap(({ targets = [] }) => targets)
    .map(({ expr }) => expr.replaceAll("$instance", ".*"));
}

/** Names of series that an expression asks for. */
export function seriesOf(expression: string): string[] {
  return [...expression.matchAll(/\bvault_[A-Za-z_]+\b(?!\.)/g)].map(([name]) => name);
}
