/** `lease …`: secrets with an end. */
import { bool, duration } from "../args/flag.ts";
import type { Call } from "../call.ts";
import { apiPath } from "../client/request.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../errors.ts";

export const lookup: Command = {
  usage: "[options] ID",
  about: "Prints when a lease was made, when it ends and whether it can be renewed.",
  examples: [["Look at a lease", "lease lookup database/creds/readonly/2f6a614c"]],
  words: [0, 1],
  output: "format",
  async run(call) {
    const id = neededId(call);
    const client = await call.client();
    const secret = await call.during(
      `looking up lease ${id}`,
      client.write("sys/leases/lookup", { lease_id: id }),
    );
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

export const renew: Command = {
  usage: "[options] ID",
  about: "Asks for more time for a lease. The node may grant less than was asked for.",
  examples: [["Ask for an hour", "lease renew -increment=1h database/creds/readonly/2f6a614c"]],
  flags: [duration("increment", "Time asked for, counted from now.")],
  words: [0, 1],
  output: "format",
  async run(call) {
    const lease_id = neededId(call);
    const increment = Math.round((call.flags.durationMs("increment") ?? 0) / 1000);
    const client = await call.client();
    const secret = await call.during(
      `renewing ${lease_id}`,
      client.write("sys/leases/renew", { lease_id, increment }),
    );
    return secret === undefined ? 0 : await call.secret(secret);
  },
};

function neededId(call: Call): string {
  const id = call.arg(0).trim();
  if (id === "") throw new UsageError("missing the lease's ID");
  return id;
}

export const revoke: Command = {
  usage: "[options] ID",
  about: "Ends a lease now, or with -prefix all leases below a path. The engine takes back what " +
    "it handed out.",
  examples: [
    ["End one lease", "lease revoke database/creds/readonly/2f6a614c"],
    ["End all of a role", "lease revoke -prefix database/creds/readonly"],
  ],
  flags: [
    bool("force", "Forget the leases even when they can't be taken back. Needs -prefix.", {
      aliases: ["f"],
    }),
    bool("prefix", "Take the argument for the beginning of many IDs."),
    bool("sync", "Wait until it is done, rather than until it is queued."),
  ],
  words: [1, 1],
  async run(call) {
    const id = apiPath(call.arg(0));
    const [force, prefix, sync] = [
      call.flags.bool("force"),
      call.flags.bool("prefix"),
      call.flags.bool("sync"),
    ];
    if (force && !prefix) throw new UsageError("-force needs -prefix beside it");
    const client = await call.client();
    if (force) {
      call.note(
        "Warning! Forgetting leases can leave behind, in other systems, what they stood for.",
      );
      await call.during(
        `force revoking leases with prefix ${id}`,
        client.write(`sys/leases/revoke-force/${id}`, null),
      );
      call.line(`Success! Force revoked any leases with prefix: ${id}`);
      return 0;
    }
    const work = prefix
      ? client.write(`sys/leases/revoke-prefix/${id}`, { sync })
      : client.write("sys/leases/revoke", { lease_id: id, sync });
    await call.during(prefix ? `revoking leases with prefix ${id}` : `revoking lease ${id}`, work);
    if (!sync) call.line("All revocation operations queued successfully!");
    else if (prefix) call.line(`Success! Revoked any leases with prefix: ${id}`);
    else call.line(`Success! Revoked lease: ${id}`);
    return 0;
  },
};
