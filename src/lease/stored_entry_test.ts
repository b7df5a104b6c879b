import { assert, assertEquals } from "@std/assert";
import { fromUtf8 } from "../base/bytes.ts";
import type { LeaseEntry } from "./entry.ts";
import { decodeLease, encodeLease } from "./stored_entry.ts";

const tokenId = `t${"0a".repeat(31)}b`;
const ofToken: LeaseEntry = {
  id: `auth/token/create/h${tokenId}`,
  kind: "token",
  tokenId,
  issueTime: 1_795_809_434_369,
  expireTime: 1_795_813_034_369,
  lastRenewal: 0,
  renewable: true,
  maxTtl: 0,
  namespaceId: "root",
  internalData: {},
};
const ofSecret: LeaseEntry = {
  ...ofToken,
  id: "database/creds/r/0123456789abcdefghijABCD",
  kind: "secret",
  lastRenewal: 7,
  maxTtl: 60,
  namespaceId: "",
  internalData: { user: "u" },
  ending: "database/x",
  failure: { attempts: 2, error: "down", since: 9 },
};

Deno.test("a lease is read as it was put, in either form", () => {
  for (const lease of [ofToken, ofSecret, { ...ofToken, tokenId: "another" }]) {
    for (const isSparse of [true, false]) {
      assertEquals(decodeLease(encodeLease(lease, isSparse)), lease);
    }
  }
});

Deno.test("the lease of a token says nothing twice; earlier nodes get all of it", () => {
  assert(!fromUtf8(encodeLease(ofToken, true)).includes("tokenId"));
  assertEquals(JSON.parse(fromUtf8(encodeLease(ofToken, false))), ofToken);
});
