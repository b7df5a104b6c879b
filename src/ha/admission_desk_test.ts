import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { fromBase64, toBase64, utf8 } from "../base/bytes.ts";
import { systemClock, systemRandom } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { silentLogger } from "../base/log.ts";
import { chooseProvider } from "../crypto/choose.ts";
import { ShamirSeal } from "../seal/shamir_seal.ts";
import { AdmissionDesk } from "./admission_desk.ts";
import { answerOf, challengeName, openKeyring } from "./join_proof.ts";

const crypto = chooseProvider(silentLogger);
let time = 0;
const clock = { ...systemClock, now: () => time };

function parts() {
  const seal = new ShamirSeal(crypto, systemRandom);
  seal.setKey(systemRandom.bytes(32));
  return { seal, desk: new AdmissionDesk({ clock, random: systemRandom, crypto }) };
}

async function solve(seal: ShamirSeal, id: string, challenge: string) {
  return await seal.unwrap(challengeName(id), fromBase64(challenge) ?? new Uint8Array());
}

Deno.test("who holds the seal's key is let in and can read the keyring", async () => {
  const { seal, desk } = parts();
  const secret = await solve(seal, "n", await desk.challenge("n", seal));
  const answer = toBase64(answerOf(crypto, secret, "n"));
  assertNotEquals(answer, toBase64(secret));
  const { applicant, seal: close } = desk.admit("n", answer, "https://10.0.0.1:8201", true);
  assertEquals(applicant, { id: "n", address: "10.0.0.1:8201", staysLearner: true });
  const keyring = openKeyring(crypto, secret, "n", fromBase64(close(utf8("pem"))) ?? utf8(""));
  assertEquals(new TextDecoder().decode(keyring), "pem");
});

Deno.test("an answer counts once, for its node, for a while", async () => {
  const { seal, desk } = parts();
  const answerFor = async (id: string) =>
    toBase64(answerOf(crypto, await solve(seal, id, await desk.challenge(id, seal)), id));
  const first = await answerFor("n");
  assertThrows(() => desk.admit("m", first, "h:1", false), Failure, "no expected answer");
  assertThrows(() => desk.admit("n", "AAAA", "h:1", false), Failure, "invalid answer");
  assertThrows(() => desk.admit("n", first, "h:1", false), Failure, "no expected answer");
  const second = await answerFor("n");
  time += 11 * 60_000;
  assertThrows(() => desk.admit("n", second, "h:1", false), Failure, "no expected answer");
  const third = await answerFor("n");
  assertThrows(() => desk.admit("n", third, "nowhere", false), Failure, "host and port");
});

Deno.test("questions of strangers take no more than their share of memory", async () => {
  const { seal, desk } = parts();
  const first = await desk.challenge("first", seal);
  const answer = toBase64(answerOf(crypto, await solve(seal, "first", first), "first"));
  for (let i = 0; i < 256; i++) await desk.challenge(`n${i}`, seal);
  assertThrows(() => desk.admit("first", answer, "h:1", false), Failure, "no expected answer");
});
