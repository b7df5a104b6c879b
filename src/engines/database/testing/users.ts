/** Users that a node has made, as tests ask for them. */
import type { NodeKit } from "../../../core/testing/kit.ts";

export interface User {
  readonly name: string;
  readonly password: string;
  readonly lease: string;
}

/** A new user of a role, asked for with a token; with the root token where absent. */
export async function newUser(kit: NodeKit, role = "r", token?: string): Promise<User> {
  const asked = token === undefined ? {} : { token };
  const { data, lease } = await kit.ask("read", `database/creds/${role}`, asked);
  return {
    name: String(data?.username),
    password: String(data?.password),
    lease: lease?.id ?? "",
  };
}

/** Ends its lease, and waits for that. */
export async function revoke(kit: NodeKit, { lease }: Pick<User, "lease">): Promise<void> {
  await kit.ask("update", "sys/leases/revoke", { data: { lease_id: lease, sync: true } });
}

/** Leases of a role, as they lie in storage. */
export async function leases(kit: NodeKit, role: string): Promise<string[]> {
  const { services } = kit.node;
  return await services.transactions.run((transaction) =>
    services.leases.list(transaction, `database/creds/${role}/`)
  );
}
