/** Programs that stand for a cloud's storage, on loopback. */
import { freePortIn } from "../../src/base/testing.ts";

/** Theirs start slowly on a machine that is busy. */
const startMs = 60_000;

export const freePort = () => freePortIn(32_000, 500);

/** Starts one and waits until it answers on its port. */
export async function startEmulator(
  program: string,
  args: readonly string[],
  port: number,
): Promise<AsyncDisposable> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const server = {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
    },
  };
  const deadline = performance.now() + startMs;
  while (!await answers(port)) {
    if (performance.now() > deadline) {
      await server[Symbol.asyncDispose]();
      throw new Error(`${program} does not answer on port ${port}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return server;
}

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    await response.body?.cancel();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
