/**
 * What an unsealed node keeps in memory of what is stored, beside the caches that work key by key
 * (`EntryCache`, `Acls`, `IdentityViews`: these hear of every change through `Transactions`). A node
 * that follows the log of another takes up from here what that one has changed.
 */
import type { Barrier } from "../barrier/barrier.ts";
import { WrongRootKeyError } from "../barrier/errors.ts";
import type { Services } from "./services.ts";

export interface KeptState {
  readonly name: string;
  /** The keys that it is made from; a prefix where one ends in "/". */
  readonly from: readonly string[];
  /** Takes up what is stored now. */
  reload(): Promise<void>;
}

/** All of it, in the order in which it must be taken up. Whoever keeps more adds it here. */
export function keptState(services: Services, barrier: Barrier): KeptState[] {
  const { transactions, mounts, audit, httpSettings, quotas } = services;
  return [
    {
      name: "keyring",
      from: ["core/keyring"],
      reload: () => reloadKeyring(services, barrier),
    },
    {
      name: "mount tables",
      from: ["core/mounts/", "core/auth/"],
      reload: async () => mounts.follow(await transactions.run((t) => mounts.entries(t))),
    },
    {
      name: "audit devices",
      from: ["core/audit/", "core/audit-salt/"],
      reload: async () => audit.follow(await transactions.run((t) => audit.stored(t))),
    },
    {
      name: "HTTP settings",
      from: ["core/http-settings"],
      reload: () => transactions.run((t) => httpSettings.load(t)),
    },
    {
      name: "quotas",
      from: ["sys/quotas/"],
      reload: () => transactions.run((t) => quotas.load(t)),
    },
  ];
}

/** Where the root key was replaced, what the old keys open is still read; the rest is passed on. */
async function reloadKeyring({ mounts: { platform } }: Services, barrier: Barrier): Promise<void> {
  try {
    await barrier.reload();
  } catch (error) {
    if (!(error instanceof WrongRootKeyError)) throw error;
    platform.log.warn("the root key was replaced: this node must be sealed and unsealed again");
  }
}
