import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  assess,
  changeSettings,
  defaultSettings,
  nextToRemove,
  type Observed,
} from "./autopilot.ts";

const none = {
  cleanupDeadServers: undefined,
  deadServerLastContact: undefined,
  lastContact: undefined,
  maxTrailingLogs: undefined,
  minQuorum: undefined,
  stabilization: undefined,
  disableUpgradeMigration: undefined,
};
const cleaning = changeSettings(defaultSettings, {
  ...none,
  cleanupDeadServers: true,
  minQuorum: 3,
});

function group(silences: readonly number[], voters = silences.length): Observed[] {
  return silences.map((silence, i) => ({
    id: `n${i + 1}`,
    address: "",
    voter: i < voters,
    isLeader: i === 0,
    silence,
    index: 5000,
    staysLearner: false,
    zone: "",
    upgradeVersion: "",
  }));
}

Deno.test("what may fail still is counted from the voters that are healthy", () => {
  const tolerance = (silences: number[]) =>
    assess(group(silences), 5000, defaultSettings).failureTolerance;
  assertEquals(tolerance([0]), 0);
  assertEquals(tolerance([0, 1, 1]), 1);
  assertEquals(tolerance([0, 1, 11]), 0);
  assertEquals(tolerance([0, 1, 1, 1, 11]), 1);
  assertEquals(tolerance([0, 11, 11]), 0);
  assert(!assess(group([0, 1, 11]), 5000, defaultSettings).isHealthy);
});

Deno.test("who is far behind is alive and not healthy", () => {
  const [, second] = assess(group([0, 1]), 6001, defaultSettings).members;
  assertEquals([second?.isAlive, second?.isHealthy], [true, false]);
});

Deno.test("the dead are taken out only as long as enough are left", () => {
  const dead = 86_401;
  assertEquals(nextToRemove(group([0, 1, 1, dead]), cleaning), "n4");
  assertEquals(nextToRemove(group([0, 1, 1, 86_399]), cleaning), undefined);
  assertEquals(nextToRemove(group([0, 1, dead]), cleaning), undefined, "the minimum");
  assertEquals(nextToRemove(group([0, 1, dead, dead]), cleaning), undefined, "half are dead");
  assertEquals(nextToRemove(group([0, 1, 1, dead, dead]), cleaning), "n4");
  assertEquals(nextToRemove(group([0, 1, 1, dead], 3), cleaning), "n4", "a learner");
  assertEquals(nextToRemove(group([dead, 1, 1, 1]), cleaning), undefined, "never itself");
  assertEquals(nextToRemove(group([0, 1, 1, dead]), defaultSettings), undefined, "switched off");
});

Deno.test("settings that make no sense are refused, zero leaves what is", () => {
  const change = (given: object) => changeSettings(cleaning, { ...none, ...given });
  assertThrows(() => changeSettings(defaultSettings, { ...none, cleanupDeadServers: true }));
  assertThrows(() => change({ minQuorum: 2 }));
  assertThrows(() => change({ minQuorum: -1 }));
  assertThrows(() => change({ deadServerLastContact: 59 }));
  assertEquals(change({ minQuorum: 0, lastContact: 0, maxTrailingLogs: 0 }), cleaning);
  assertEquals(change({ maxTrailingLogs: 5 }).maxTrailingLogs, 5);
});
