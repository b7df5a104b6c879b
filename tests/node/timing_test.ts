/** How long a comparison of secrets takes tells nothing of what they are. */
import { openOpensslProvider } from "../../src/crypto/openssl.ts";
import { portableProvider } from "../../src/crypto/portable.ts";
import { assertAlike } from "../../src/crypto/testing.ts";
import { startNode } from "./kit.ts";

const openssl = openOpensslProvider();
const portable = portableProvider();

for (const provider of openssl === undefined ? [portable] : [openssl, portable]) {
  Deno.test(`${provider.name.split(" ")[0]}: bytes that differ early, late or not at all`, async () => {
    const secret = new Uint8Array(64 * 1024).fill(7);
    const unlike = (position: number) => {
      const other = secret.slice();
      other[position] = 8;
      return other;
    };
    const [early, late, same] = [unlike(0), unlike(secret.length - 1), secret.slice()];
    const compare = (other: Uint8Array) => () => {
      for (let i = 0; i < 20; i++) provider.equal(secret, other);
    };
    await assertAlike(compare(early), compare(late), 101);
    await assertAlike(compare(early), compare(same), 101);
  });
}

Deno.test("a token that begins like a real one, and one that does not", async () => {
  const kit = await startNode();
  const token = await kit.token({ policies: ["default"] });
  let n = 0;
  // Never the same text twice: hashes of tokens that came lately are remembered.
  const near = () => kit.status("read", "auth/token/lookup-self", { token: `${token}${n++}` });
  const far = () =>
    kit.status("read", "auth/token/lookup-self", { token: `hvs.${"x".repeat(24)}${n++}` });
  await assertAlike(near, far, 201);
});
