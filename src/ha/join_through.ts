/** How a node that joins gets from the cluster's seal key to its root key. */
import { sleep } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { KEYRING_KEY, STORED_ROOT_KEY } from "../barrier/physical.ts";
import { readRootKey } from "../seal/stored.ts";
import type { Joining } from "../seal/unseal.ts";
import type { Storage } from "../storage/storage.ts";
import type { HighAvailability } from "./high_availability.ts";

/** The data come behind the answer; with much of them it takes a while. */
const ARRIVAL_MS = 60_000;
const LOOK_MS = 10;

export function joinThrough(ha: HighAvailability, physical: Storage): Joining {
  return {
    config: () => ha.joiner.sealConfig,
    async rootKey(seal) {
      // The cluster port opens before the group learns of this node, so that it can be reached.
      await ha.open(await ha.joiner.finish(seal));
      const deadline = ha.now() + ARRIVAL_MS;
      while (!await hasArrived(physical)) {
        if (ha.now() > deadline) {
          throw new Failure(503, "the cluster's data do not come: unseal again later");
        }
        await sleep(ha.clock, LOOK_MS);
      }
      const rootKey = await readRootKey(physical, seal);
      ha.joiner.done();
      return rootKey;
    },
  };
}

async function hasArrived(physical: Storage): Promise<boolean> {
  return await physical.get(STORED_ROOT_KEY) !== undefined &&
    await physical.get(KEYRING_KEY) !== undefined;
}
