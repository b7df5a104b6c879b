/** What is wrong with a peer is told by its name. */
import { assert, assertEquals } from "@std/assert";
import { commonest, type Health, judgeCertificate, judgeHealth } from "./agree.ts";

const well: Health = {
  initialized: true,
  sealed: false,
  clusterId: "c1",
  removed: false,
  version: "1",
  offsetMs: -900,
  errorMs: 500,
};

const wrongs = (health: Partial<Health>, expected = "c1") =>
  judgeHealth({ ...well, ...health }, expected).filter(({ ok }) => !ok);

Deno.test("a peer of the same cluster with a right clock is well", () => {
  assertEquals(wrongs({}), []);
  assertEquals(wrongs({}, ""), [], "nobody knows the cluster's id");
  assertEquals(wrongs({ offsetMs: 2400 }), [], "the error of the measurement is allowed for");
});

Deno.test("each thing that is wrong is told", () => {
  for (
    const [health, told] of [
      [{ clusterId: "c2" }, "of another cluster: c2 instead of c1"],
      [{ offsetMs: -7000 }, "-7.0 s"],
      [{ offsetMs: 7000 }, "+7.0 s"],
      [{ sealed: true, clusterId: "" }, "sealed"],
      [{ initialized: false, clusterId: "" }, "belongs to no cluster yet"],
      [{ removed: true }, "taken out of the cluster"],
    ] as const
  ) {
    const found = wrongs(health);
    assertEquals(found.length, 1, told);
    assert(found[0]?.told.includes(told), found[0]?.told);
  }
});

Deno.test("the certificate of most is the cluster's", () => {
  const most = commonest(["", "AA", "BB", "AA"]);
  assertEquals(most, "AA");
  assertEquals(judgeCertificate("AA", most).ok, true);
  assertEquals(judgeCertificate("BB", most).ok, false);
  assertEquals(commonest(["", ""]), "");
});
