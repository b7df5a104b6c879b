/** A request by a token, and what it says of the token. */
import type { Answer, Asked } from "./asking.ts";
import type { CommonParts } from "./kind.ts";
import type { Token } from "./ledger.ts";
import type { SimulatedServer } from "./server.ts";

/** The answer is the caller's; undefined where the token was refused. */
export async function useToken(
  { ledger, asking, marks, world: { time } }: Omit<CommonParts, "root">,
  token: Token,
  asked: Omit<Asked, "token">,
  server?: SimulatedServer,
): Promise<Answer | undefined> {
  const start = time.now;
  token.attempts += 1;
  const answer = await asking.ask({ ...asked, token: token.text }, server);
  if (answer.kind === "ok") {
    ledger.lives(token, start, answer.span);
    ledger.isUsed(token);
  } else if (answer.kind === "refused" && answer.status === 403) {
    ledger.isGone(token, start, 1);
    marks.mark("token refused");
    return undefined;
  }
  return answer;
}
