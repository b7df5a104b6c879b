/** Network namespaces: each node has a network of its own, and can be cut off from others. */
import type { Place } from "./process_kit.ts";

const decoder = new TextDecoder();

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args }).output();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${decoder.decode(stderr)}`);
}

/** Whether this machine lets us make them: Linux, root, and `ip`. */
export async function canUseNamespaces(): Promise<boolean> {
  const name = `hf-probe-${Deno.pid}`;
  try {
    await ip("netns", "add", name);
    await ip("link", "add", name.slice(0, 15), "type", "bridge");
    await ip("link", "del", name.slice(0, 15));
    await ip("netns", "del", name);
    return true;
  } catch {
    return false;
  }
}

export interface Network extends AsyncDisposable {
  /** One for each node. */
  readonly places: readonly Place[];
  /** What `from` sends to `to` is lost from now on; what comes back is not. */
  cut(from: number, to: number): Promise<void>;
  mend(from: number, to: number): Promise<void>;
}

/** A bridge with `count` namespaces on it; the test itself is beside them. */
export async function makeNetwork(count: number): Promise<Network> {
  const id = Math.floor(Math.random() * 200) + 20;
  const bridge = `hfbr${id}`;
  const name = (i: number) => `hf${id}-${i}`;
  const address = (i: number) => `10.99.${id}.${i + 1}`;
  await ip("link", "add", bridge, "type", "bridge");
  await ip("addr", "add", `10.99.${id}.254/24`, "dev", bridge);
  await ip("link", "set", bridge, "up");
  for (let i = 0; i < count; i++) {
    const inner = `hfi${id}-${i}`, outer = `hfo${id}-${i}`;
    await ip("netns", "add", name(i));
    await ip("link", "add", outer, "type", "veth", "peer", "name", inner);
    await ip("link", "set", outer, "master", bridge, "up");
    await ip("link", "set", inner, "netns", name(i));
    await ip("-n", name(i), "addr", "add", `${address(i)}/24`, "dev", inner);
    await ip("-n", name(i), "link", "set", inner, "up");
    await ip("-n", name(i), "link", "set", "lo", "up");
  }
  const places = Array.from({ length: count }, (_, i) => ({
    host: address(i),
    shell: `exec ip netns exec ${name(i)} "$0" "$@"`,
  }));
  return {
    places,
    cut: (from, to) => ip("-n", name(from), "route", "add", "blackhole", address(to)),
    mend: (from, to) => ip("-n", name(from), "route", "del", "blackhole", address(to)),
    async [Symbol.asyncDispose]() {
      for (let i = 0; i < count; i++) await ip("netns", "del", name(i));
      await ip("link", "del", bridge);
    },
  };
}
