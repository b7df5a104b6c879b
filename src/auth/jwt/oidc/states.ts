/**
 * The `state` of a login under way. It is sealed and travels with the browser, so that strangers who
 * begin logins by the thousand leave nothing behind here, and any node can end what another began.
 */
import { fromBase64Url, fromUtf8, toBase64Url, toHex, utf8 } from "../../../base/bytes.ts";
import type { Call, Platform } from "../../../core/backend.ts";
import { DecryptError } from "../../../crypto/provider.ts";
import type { View } from "../../../storage/transaction.ts";

/** What must be known again when the browser comes back. */
export interface Begun {
  readonly role: string;
  /** "" in the device flow. */
  readonly redirectUri: string;
  /** Of who began: shown to the user who is to confirm. */
  readonly address: string;
  /** Digest of the nonce that ties the login to the client which began it; "" for none. */
  readonly clientNonce: string;
  /** Of the device flow; "" for none. */
  readonly deviceCode: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** A login that was begun here and has not ended by time. */
export interface PendingLogin extends Begun {
  /** One and the same for one state. */
  readonly id: string;
  /** What its ID token must hold. */
  readonly nonce: string;
  /** Of PKCE (RFC 7636). */
  readonly verifier: string;
}

/** So long a user has for logging in. */
export const stateLifeMs = 10 * 60_000;

const keyName = "oidc/key";
const idLength = 12;
const prefix = "st_";
const longestState = 8192;

/** Makes a new key: what was begun under the old one can't be ended any more. */
export function renewStateKey(storage: View, { random }: Platform): Uint8Array<ArrayBuffer> {
  const key = random.bytes(32);
  storage.put(keyName, key);
  return key;
}

/** Seals a login that begins now. */
export async function sealState(
  call: Call,
  platform: Platform,
  begun: Begun,
): Promise<{ readonly state: string; readonly login: PendingLogin }> {
  const key = await call.storage.get(keyName) ?? renewStateKey(call.storage, platform);
  const id = platform.random.bytes(idLength);
  const { role, redirectUri, address, clientNonce, deviceCode, expires } = begun;
  const text = JSON.stringify([role, redirectUri, address, clientNonce, deviceCode, expires]);
  const gcm = platform.crypto.gcmKey(key);
  try {
    const sealed = gcm.seal(id, utf8(text), utf8(call.mount.uuid));
    const state = prefix + toBase64Url(id) + toBase64Url(sealed);
    return { state, login: pending(platform, key, id, begun) };
  } finally {
    gcm.destroy();
  }
}

/** The login of a state; undefined for one that was not made here, or is too old. */
export async function openState(
  call: Call,
  platform: Platform,
  state: string,
): Promise<PendingLogin | undefined> {
  const key = await call.storage.get(keyName);
  // Some clients leave the namespace behind the state, where it may have been put.
  const text = state.split(",ns=")[0] ?? "";
  if (key === undefined || text.length > longestState || !text.startsWith(prefix)) return undefined;
  const bytes = fromBase64Url(text.slice(prefix.length));
  if (bytes === undefined || bytes.length <= idLength) return undefined;
  // One state has one text: the last character may hold bits that are nobody's.
  if (prefix + toBase64Url(bytes) !== text) return undefined;
  const id = bytes.slice(0, idLength);
  const opened = unseal(call, platform, key, id, bytes.subarray(idLength));
  if (opened === undefined || opened.expires <= platform.clock.now()) return undefined;
  return pending(platform, key, id, opened);
}

function unseal(
  call: Call,
  { crypto }: Platform,
  key: Uint8Array,
  id: Uint8Array,
  sealed: Uint8Array,
): Begun | undefined {
  const gcm = crypto.gcmKey(key);
  try {
    const text = fromUtf8(gcm.open(id, sealed, utf8(call.mount.uuid)));
    const fields: [string, string, string, string, string, number] = JSON.parse(text);
    const [role, redirectUri, address, clientNonce, deviceCode, expires] = fields;
    return { role, redirectUri, address, clientNonce, deviceCode, expires };
  } catch (error) {
    if (error instanceof DecryptError) return undefined;
    throw error;
  } finally {
    gcm.destroy();
  }
}

/** Nonce and verifier follow from the key, so that a state need not hold them. */
function pending(
  { crypto }: Platform,
  key: Uint8Array,
  id: Uint8Array,
  begun: Begun,
): PendingLogin {
  const derived = (what: string) => toBase64Url(crypto.hkdf("sha256", key, id, utf8(what), 32));
  return { ...begun, id: toHex(id), nonce: derived("nonce"), verifier: derived("verifier") };
}

/** How a client's nonce is kept in a state. */
export function nonceDigest({ crypto }: Platform, nonce: string): string {
  return nonce === "" ? "" : toBase64Url(crypto.hash("sha256", utf8(nonce)));
}

/** Whether a client is the one that began. Who gave no nonce is not told apart. */
export function isSameClient(platform: Platform, login: PendingLogin, nonce: string): boolean {
  if (login.clientNonce === "") return true;
  const { crypto } = platform;
  return crypto.equal(utf8(nonceDigest(platform, nonce)), utf8(login.clientNonce));
}
