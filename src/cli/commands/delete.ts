/** `delete`: what is at any path of the API. */
import { readTextPairs } from "../args/pairs.ts";
import { anyWords, type Command } from "../command.ts";
import { apiPath } from "../client/request.ts";

export const command: Command = {
  usage: "[options] PATH [QUERY K=V...]",
  about: "Deletes what is at a path. What exactly that removes depends on the engine.",
  examples: [["Delete a role", "delete auth/approle/role/ci"]],
  words: [1, anyWords],
  output: "field",
  async run(call) {
    const path = apiPath(call.arg(0));
    const query = [...await readTextPairs(call.args.slice(1), call.io)];
    const client = await call.client();
    const secret = await call.during(`deleting ${path}`, client.delete(path, query));
    if (secret !== undefined && (secret.data !== undefined || secret.wrapInfo !== undefined)) {
      return await call.secret(secret);
    }
    call.warnings(secret?.warnings ?? []);
    if (call.forPeople) call.line(`Success! Data deleted (if it existed) at: ${path}`);
    return 0;
  },
};
