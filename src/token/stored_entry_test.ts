import { assert, assertEquals } from "@std/assert";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import type { TokenEntry } from "./entry.ts";
import { decodeTokenEntry, encodeTokenEntry } from "./stored_entry.ts";

const plain: TokenEntry = {
  id: "a".repeat(64),
  accessor: "b".repeat(24),
  parent: "",
  policies: ["default"],
  path: "auth/token/create",
  meta: null,
  displayName: "token",
  numUses: 0,
  creationTime: 1_795_809_434_369,
  expireTime: 1_795_813_034_369,
  lastRenewal: 0,
  ttl: 3600,
  explicitMaxTtl: 0,
  period: 0,
  renewable: true,
  type: "service",
  boundCidrs: [],
  namespaceId: "root",
  entityId: "",
  role: "",
  noDefaultPolicy: false,
  authMount: "auth/token/",
  internalData: {},
  alone: true,
};
/** Each field at a value that is not neutral. */
const changes: Partial<TokenEntry> = {
  parent: "c".repeat(64),
  policies: [],
  meta: {},
  displayName: "",
  numUses: 3,
  expireTime: 0,
  lastRenewal: 5,
  ttl: 0,
  explicitMaxTtl: 7,
  period: 9,
  renewable: false,
  boundCidrs: ["127.0.0.1"],
  namespaceId: "",
  entityId: "e",
  role: "r",
  noDefaultPolicy: true,
  authMount: "",
  internalData: { a: null },
};

Deno.test("what is left out of a stored token comes back, and nothing else is left out", () => {
  const fields = Object.keys(changes);
  for (let chosen = 0; chosen < 2000; chosen++) {
    const picked = fields.filter((_, at) => ((chosen * 2654435761) >>> at & 1) === 1);
    const entry: TokenEntry = {
      ...plain,
      ...Object.fromEntries(Object.entries(changes).filter(([name]) => picked.includes(name))),
    };
    for (const isSparse of [true, false]) {
      assertEquals(decodeTokenEntry(encodeTokenEntry(entry, isSparse)), entry);
    }
  }
  const { alone: _, ...burdened } = plain;
  assertEquals("alone" in decodeTokenEntry(encodeTokenEntry(burdened, true)), false);
});

Deno.test("an ordinary token takes little more than half as much; earlier nodes get all of it", () => {
  const [sparse, whole] = [true, false].map((isSparse) => encodeTokenEntry(plain, isSparse));
  assert(sparse !== undefined && whole !== undefined);
  assertEquals(JSON.parse(fromUtf8(whole)), plain);
  assert(sparse.length < whole.length * 0.6, `${sparse.length} of ${whole.length}`);
  assertEquals(decodeTokenEntry(utf8(JSON.stringify(plain))), plain);
});
