/** `debug`: what a node tells of itself over a while, as one file to look at later or elsewhere. */
import { utf8 } from "../../base/bytes.ts";
import { tar } from "../../base/tar.ts";
import { version } from "../../base/version.ts";
import { duration, list, text } from "../args/flag.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Command } from "../command.ts";
import { CommandError, UsageError } from "../errors.ts";
import { asList, asObject, type Json, type JsonObject, writeJson } from "../json.ts";

/** What each target asks for, and the name of the file in the bundle. None of them tells a secret. */
const targets = {
  config: [["sys/config/state/sanitized", "config.json"]],
  host: [["sys/host-info", "host_info.json"]],
  metrics: [["sys/metrics", "metrics.json"]],
  requests: [["sys/in-flight-req", "requests.json"]],
  "replication-status": [
    ["sys/replication/status", "replication_status.json"],
    ["sys/storage/raft/configuration", "raft_configuration.json"],
    ["sys/storage/raft/autopilot/state", "raft_autopilot.json"],
  ],
  "server-status": [
    ["sys/seal-status", "seal_status.json"],
    ["sys/leader", "leader.json"],
    ["sys/ha-status", "ha_status.json"],
  ],
} as const;

type Target = keyof typeof targets;

/** Asked once: it does not change while one looks. */
const once: readonly Target[] = ["config"];
const names = [...Object.keys(targets), "log", "pprof"];

/** Profiles, with the ending by which V8's tools know them; each lasts so long at most. */
const profiles = [["profile", "cpuprofile"], ["heap", "heapprofile"]] as const;
const profileSecondsMax = 10;

/** Samples of each target, and bytes of the log. */
const samplesMax = 1000;
const logBytesMax = 64 * 1024 * 1024;

function isTarget(name: string): name is Target {
  return Object.hasOwn(targets, name);
}

export const command: Command = {
  usage: "[options]",
  about: "Collects what a node tells of itself (configuration without secrets, machine, metrics, " +
    "requests under way, status, log, profiles of each node) for a while, and puts it into a compressed archive. Ctrl-C " +
    "ends it early and keeps what there is.",
  examples: [
    ["Two minutes", "debug"],
    ["Now and at once", "debug -duration=0s -output=now.tar.gz -target=metrics -target=host"],
  ],
  flags: [
    duration("duration", "How long to look.", { fallback: "2m" }),
    duration("interval", "Time between two looks.", { fallback: "30s" }),
    text("output", "The archive; by default named after the time."),
    list("target", `What to collect: ${names.join(", ")}. By default all.`),
  ],
  words: [0, 0],
  async run(call) {
    const asked = call.flags.list("target");
    const unknown = asked.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new UsageError(`there is no target ${unknown}`);
    const wanted = asked.length === 0 ? names : asked;
    const lengthMs = call.flags.durationMs("duration") ?? 0;
    const everyMs = call.flags.durationMs("interval") ?? 0;
    if (lengthMs > 0 && (everyMs < 1000 || lengthMs / everyMs > samplesMax)) {
      throw new UsageError(
        `-interval must be 1s or more, and ${samplesMax} fit in -duration at most`,
      );
    }
    const time = new Date(call.io.clock.now()).toISOString().replace(/\.\d+Z$/, "Z");
    const name = `holdfast-debug-${time.replaceAll(":", "-")}`;
    const path = call.flags.text("output") || `${name}.tar.gz`;
    const capture = new Capture(call, await call.client());
    const isStopped = await capture.run(wanted, lengthMs, everyMs);
    await call.io.writePrivateFile(path, await capture.archive(name, time, wanted, lengthMs));
    call.line(`Success! ${isStopped ? "What there was until now" : "The bundle"} is in ${path}`);
    capture.errors.forEach((error) => call.note(error));
    return 0;
  },
};

class Capture {
  readonly #samples = new Map<string, Json[]>();
  readonly #profiles: { readonly name: string; readonly text: string }[] = [];
  #log = "";
  readonly errors: string[] = [];

  constructor(readonly call: Call, readonly client: Client) {}

  /** Whether the user has ended it. */
  async run(wanted: readonly string[], lengthMs: number, everyMs: number): Promise<boolean> {
    const { clock } = this.call.io;
    let isStopped = false;
    const stop = this.call.io.interrupted().then(() => {
      isStopped = true;
    });
    const log = lengthMs > 0 && wanted.includes("log") ? await this.#openLog() : undefined;
    const reading = log === undefined ? Promise.resolve() : this.#readLog(log);
    const profiling = wanted.includes("pprof") ? this.#profileAll(lengthMs) : Promise.resolve();
    const end = clock.monotonic() + lengthMs;
    for (let first = true;; first = false) {
      for (const name of wanted) {
        if (isTarget(name) && (first || !once.includes(name))) await this.#ask(name);
      }
      const left = end - clock.monotonic();
      if (left <= 0 || isStopped) break;
      const wait = new Promise<void>((resolve) => clock.after(Math.min(everyMs, left), resolve));
      await Promise.race([wait, stop]);
    }
    await log?.cancel();
    await reading;
    await profiling;
    return isStopped;
  }

  /** Each node takes its own, all at the same time. */
  async #profileAll(lengthMs: number): Promise<void> {
    const shareMs = lengthMs / profiles.length;
    const seconds = Math.max(1, Math.min(profileSecondsMax, Math.floor(shareMs / 1000)));
    const nodes = await this.#nodes();
    await Promise.all([...nodes].map(([name, client]) => this.#profile(name, client, seconds)));
  }

  /** Clients by a name that is fit for a file. A node that is alone is asked where it was found. */
  async #nodes(): Promise<Map<string, Client>> {
    const { address } = this.client.settings;
    let found: string[] = [];
    try {
      const { json } = await this.client.send({ method: "GET", path: "sys/ha-status" });
      const nodes = asList(asObject(asObject(json).data).nodes);
      found = nodes.map((node) => String(asObject(node).api_address ?? ""));
    } catch (error) {
      this.#failed("sys/ha-status", error);
    }
    const all = found.length < 2 ? [address] : found.filter((each) => URL.canParse(each));
    return new Map(all.map((each) => {
      const name = URL.canParse(each) ? new URL(each).host : "node";
      return [
        name.replaceAll(/[^\w.-]/g, "_"),
        each === address ? this.client : this.client.at(each),
      ];
    }));
  }

  async #profile(node: string, client: Client, seconds: number): Promise<void> {
    for (const [kind, ending] of profiles) {
      try {
        const { text } = await client.send({
          method: "GET",
          path: `sys/pprof/${kind}`,
          query: [["seconds", String(seconds)]],
        });
        this.#profiles.push({ name: `pprof/${node}.${ending}`, text });
      } catch (error) {
        this.#failed(`sys/pprof/${kind} of ${node}`, error);
      }
    }
  }

  async #ask(target: Target): Promise<void> {
    for (const [path, file] of targets[target]) {
      const timestamp = new Date(this.call.io.clock.now()).toISOString();
      try {
        const { json } = await this.client.send({ method: "GET", path });
        const all = this.#samples.get(file) ?? [];
        all.push({ timestamp, answer: json ?? null });
        this.#samples.set(file, all);
      } catch (error) {
        this.#failed(path, error);
      }
    }
  }

  /** A part that can't be had is told once, and leaves the others. */
  #failed(path: string, error: unknown): void {
    if (!(error instanceof CommandError) && !(error instanceof Error)) throw error;
    const [reason = ""] = error.message.split("\n");
    const told = `${path}: ${reason}`;
    if (!this.errors.includes(told)) this.errors.push(told);
  }

  async #openLog(): Promise<ReadableStreamDefaultReader<Uint8Array> | undefined> {
    try {
      const response = await this.client.open({
        method: "GET",
        path: "sys/monitor",
        query: [["log_level", "debug"], ["log_format", "standard"]],
        timeoutMs: 0,
      });
      return response.body.getReader();
    } catch (error) {
      this.#failed("sys/monitor", error);
      return undefined;
    }
  }

  async #readLog(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        if (this.#log.length < logBytesMax) {
          this.#log += decoder.decode(part.value, { stream: true });
        }
      }
    } catch (error) {
      this.#failed("sys/monitor", error);
    }
  }

  async archive(
    name: string,
    time: string,
    wanted: readonly string[],
    lengthMs: number,
  ): Promise<Uint8Array> {
    const index: JsonObject = {
      version: 1,
      client_version: version,
      vault_address: this.client.settings.address,
      timestamp_utc: time,
      duration_seconds: lengthMs / 1000,
      targets: wanted,
      output: [...this.#samples.keys(), ...this.#profiles.map((each) => each.name)],
      errors: this.errors,
    };
    const files = [["index.json", index] as const, ...this.#samples].map(([file, value]) => ({
      name: `${name}/${file}`,
      mode: 0o600,
      content: utf8(writeJson(value, 2)),
    }));
    for (const profile of this.#profiles) {
      files.push({ name: `${name}/${profile.name}`, mode: 0o600, content: utf8(profile.text) });
    }
    if (this.#log !== "") {
      files.push({ name: `${name}/holdfast.log`, mode: 0o600, content: utf8(this.#log) });
    }
    const packed = new Blob([tar(files)]).stream().pipeThrough(new CompressionStream("gzip"));
    return new Uint8Array(await new Response(packed).arrayBuffer());
  }
}
