/** Keys of the transit engine, in the form in which they are backed up: it is how they are stored. */
import type { Item } from "./items.ts";
import type { ForeignMount } from "./mount_table.ts";
import type { Opened } from "./opened.ts";

export async function* transitItems(
  opened: Opened,
  { prefix, path }: ForeignMount,
): AsyncGenerator<Item> {
  const folder = `${prefix}policy/`;
  for (const key of opened.below(folder)) {
    const name = key.slice(folder.length);
    const policy = await opened.object(key);
    const archive = await opened.object(`${prefix}archive/${name}`);
    if (policy === undefined) continue;
    const backup = { policy, archived_keys: archive ?? null };
    yield { kind: "transit_key", path: `${path}keys/${name}`, data: { mount: path, backup } };
  }
  opened.leaveBelow(
    `${prefix}import/`,
    `keys of ${path} that wrap keys to be imported`,
    "others are made when they are asked for",
  );
}
