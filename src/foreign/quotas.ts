/** Limits of how often requests may come. */
import type { Item } from "./items.ts";
import type { Opened } from "./opened.ts";
import { flagAt, secondsAt, textAt } from "./read_json.ts";

export async function* quotaItems(opened: Opened): AsyncGenerator<Item> {
  const prefix = "sys/quotas/rate-limit/";
  for (const key of opened.below(prefix)) {
    const entry = await opened.object(key);
    if (entry === undefined) continue;
    const name = key.slice(prefix.length);
    if (textAt(entry, "namespace_path") !== "") {
      opened.account.leave(`quota ${name}`, "it is for a namespace");
      continue;
    }
    yield {
      kind: "write",
      path: `sys/quotas/rate-limit/${name}`,
      data: {
        path: textAt(entry, "mount_path") + textAt(entry, "path_suffix"),
        role: textAt(entry, "role"),
        rate: entry.rate ?? 0,
        interval: secondsAt(entry, "interval"),
        block_interval: secondsAt(entry, "block_interval"),
        inheritable: flagAt(entry, "inheritable"),
      },
    };
  }
}
