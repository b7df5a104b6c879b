/** `monitor`: a node's log as it is written. */
import { text } from "../args/flag.ts";
import type { Command } from "../command.ts";

export const command: Command = {
  usage: "[options]",
  about: "Prints a node's log from now on, until Ctrl-C.",
  examples: [["Everything a node says", "monitor -log-level=debug"]],
  flags: [
    text("log-format", "Form of the lines.", {
      fallback: "standard",
      placeholder: "standard|json",
    }),
    text("log-level", "Least important level to print.", {
      fallback: "info",
      placeholder: "trace|debug|info|warn|error",
    }),
  ],
  words: [0, 0],
  async run(call) {
    const client = await call.client();
    const response = await call.during(
      "starting the monitor",
      client.open({
        method: "GET",
        path: "sys/monitor",
        query: [
          ["log_level", call.flags.text("log-level")],
          ["log_format", call.flags.text("log-format")],
        ],
        timeoutMs: 0,
      }),
    );
    const reader = response.body.getReader();
    const stopped = call.io.interrupted().then(() => ({ done: true, value: undefined }));
    while (true) {
      const { done, value } = await Promise.race([reader.read(), stopped]);
      if (value !== undefined) call.io.outBytes(value);
      if (done) break;
    }
    await reader.cancel();
    return 0;
  },
};
