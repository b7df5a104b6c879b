/** `status`: is the node initialised, sealed, active? */
import type { Command } from "../command.ts";
import { asObject } from "../json.ts";
import { leaderStatus, printSealStatus } from "../output/seal_status.ts";

export const command: Command = {
  usage: "[options]",
  about: "Prints the state of a node: its seal, its version, its place in the cluster. " +
    "The exit code is 0 when it is unsealed, 2 when it is sealed, 1 when it can't be told.",
  examples: [["State of the local node", "status"]],
  words: [0, 0],
  output: "field",
  async run(call) {
    const client = await call.client();
    const ask = (path: string) =>
      call.during("checking the seal status", client.send({ method: "GET", path }), 1);
    const seal = asObject((await ask("sys/seal-status")).json);
    const leader = await call.during("checking the leader status", leaderStatus(client), 1);
    await printSealStatus(call, seal, leader);
    return seal.sealed === true ? 2 : 0;
  },
};
