/** Secret IDs that were made elsewhere: only their hashes come, so logins are compared by those. */
import { utf8 } from "../../base/bytes.ts";
import { badRequest } from "../../base/failure.ts";
import { checkTimes, field, type FieldValues } from "../../backend/field.ts";
import type { Call } from "../../core/backend.ts";
import { readCidrs } from "../common/token_fields.ts";
import { checkCidrs } from "./cidrs.ts";
import { readRole } from "./role.ts";
import { addSecretId, foreignKeys, foreignName, readSecretId } from "./secret_id.ts";

/** Times in milliseconds since the epoch, `ttl` in seconds; 0 for none. */
export const secretIdItemFields = {
  role: field.string("Name of the role.", ""),
  hmac: field.string("HMAC-SHA256 of the secret ID, in hexadecimal.", ""),
  hmac_key: field.string("Its key.", ""),
  accessor: field.string("Accessor of the secret ID.", ""),
  num_uses: field.int("Uses left; 0 for no limit.", 0),
  ttl: field.duration("How long it lived at first.", 0),
  created: field.int("When it was made.", 0),
  expires: field.int("When it ends.", 0),
  updated: field.int("When it was used last.", 0),
  metadata: field.pairs("Metadata that its tokens carry.", {}),
  cidr_list: field.list("Addresses that may log in with it.", []),
  token_bound_cidrs: field.list("Addresses that may use its tokens.", []),
};

/** Throws a 400 for what can't be. */
export async function importSecretId(
  call: Call,
  given: FieldValues<typeof secretIdItemFields>,
): Promise<void> {
  const { created, expires, updated } = given;
  checkTimes({ created, expires, updated });
  const role = await readRole(call, given.role);
  if (role === undefined) throw badRequest("its role is not there");
  if (!/^[0-9a-f]{64}$/.test(given.hmac) || given.hmac_key === "") {
    throw badRequest("hmac and hmac_key must be given");
  }
  if (!/^[\w-]{1,128}$/.test(given.accessor)) throw badRequest("accessor is none");
  const place = { role: role.name, hash: foreignName(given.hmac) };
  // Uses that were taken here since an earlier import stay taken.
  if (await readSecretId(call, place) !== undefined) return;
  call.storage.put(foreignKeys + role.name, utf8(given.hmac_key));
  await addSecretId(call.storage, place, {
    accessor: given.accessor,
    numUses: given.num_uses,
    ttl: given.ttl,
    creationTime: given.created,
    expirationTime: given.expires,
    lastUpdatedTime: given.updated,
    metadata: given.metadata,
    cidrList: checkCidrs("cidr_list", given.cidr_list),
    tokenBoundCidrs: readCidrs("token_bound_cidrs", given.token_bound_cidrs),
  });
}
