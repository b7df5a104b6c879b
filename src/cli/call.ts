/** One run of a command: its arguments, and the ways to ask a node and to print. */
import type { FlagValues } from "./args/parse.ts";
import { fieldFlag } from "./args/global_flags.ts";
import type { Client } from "./client/client.ts";
import { emptySecret, type Secret, secretJson } from "./client/secret.ts";
import type { Command } from "./command.ts";
import { ApiError, CommandError, TransportError } from "./errors.ts";
import type { Io } from "./io.ts";
import { asList, asObject, type Json, type JsonObject } from "./json.ts";
import { type Format, isForPeople, writeValue } from "./output/format.ts";
import { secretField, secretRows } from "./output/secret_table.ts";
import { keyValue, titled, wrap } from "./output/table.ts";
import { valueText } from "./output/value_text.ts";

export class Call {
  #client: Client | undefined;

  constructor(
    readonly command: Command,
    readonly args: readonly string[],
    readonly flags: FlagValues,
    readonly format: Format,
    readonly io: Io,
  ) {}

  /** The word at a position; "" where there is none. */
  arg(index: number): string {
    return this.args[index] ?? "";
  }

  /** A client by the user's flags and environment. */
  async client(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const { clientSettings } = await import("./client/settings.ts");
    const { connect } = await import("./client/connect.ts");
    this.#client = await connect(clientSettings(this.flags, this.io), this.io);
    return this.#client;
  }

  /** Lets go of the connection, if there is one. */
  close(): void {
    this.#client?.close();
  }

  /** True when the output is for people: prints sentences and tables. */
  get forPeople(): boolean {
    return isForPeople(this.format);
  }

  /** The field asked for by -field; "" for all. */
  get field(): string {
    return this.command.output === "field" ? this.flags.text(fieldFlag.name) : "";
  }

  line(text = ""): void {
    this.io.out(`${text}\n`);
  }

  lines(texts: readonly string[]): void {
    for (const text of texts) this.line(text);
  }

  /** A sentence for the user beside the answer: on standard error. */
  note(text: string): void {
    this.io.err(`${wrap(text)}\n`);
  }

  /** Names what was being done in the error of a request, with the exit code of a refusal. */
  async during<T>(doing: string, work: Promise<T>, exitCode = 2): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof TransportError)) throw error;
      if (error instanceof ApiError) this.warnings(error.warnings);
      throw new CommandError(`Error ${doing}: ${error.message}`, exitCode, { cause: error });
    }
  }

  /** What the node warns of, on standard error. */
  warnings(texts: readonly string[]): void {
    if (texts.length === 0) return;
    this.io.err("WARNING! The server answered with warnings:\n\n");
    for (const text of texts) {
      this.io.err(`${wrap(`* ${text}`, "  ").replace(/^ {2}(?!\*)/gm, "    ")}\n`);
    }
  }

  /** Prints a value in a format for programs. */
  async value(value: Json): Promise<number> {
    this.io.out(await writeValue(value, this.format));
    return 0;
  }

  /** Prints one value for -field: bare, or as JSON or YAML where that was asked for. */
  async bare(value: Json): Promise<number> {
    const text = this.forPeople ? valueText(value) : await writeValue(value, this.format);
    return this.exact(this.forPeople ? text : text.trimEnd());
  }

  /** Prints a value for other programs: a line break follows on a terminal only. */
  exact(text: string): number {
    this.io.out(this.io.stdoutIsTerminal ? `${text}\n` : text);
    return 0;
  }

  /** Prints a secret: a field, a table with the warnings beside it, or the whole as data. */
  async secret(secret: Secret): Promise<number> {
    if (this.field !== "") {
      this.warnings(secret.warnings);
      return await this.bare(this.#fieldOf(secret, this.field));
    }
    if (!this.forPeople) return await this.value(secretJson(secret));
    this.warnings(secret.warnings);
    const rows = secretRows(secret);
    if (rows.length > 0) this.lines(keyValue(rows));
    return 0;
  }

  /** Prints an object as if it were the data of a secret. */
  async data(data: JsonObject, others: Partial<Secret> = {}): Promise<number> {
    return await this.secret({ ...emptySecret, ...others, data });
  }

  /** Prints the keys of a listing. */
  async keys(secret: Secret | undefined, path: string): Promise<number> {
    const keys = asList(asObject(secret?.data).keys);
    if (secret !== undefined && keys.length === 0 && secret.warnings.length > 0) {
      this.warnings(secret.warnings);
      return 0;
    }
    if (keys.length === 0) {
      if (!this.forPeople) {
        await this.value({});
        return 2;
      }
      throw new CommandError(`Error: no value found at ${path}`, 2);
    }
    if (!this.forPeople) return await this.value(keys);
    this.warnings(secret?.warnings ?? []);
    this.lines(titled(["Keys"], keys.map((key) => [valueText(key)])));
    return 0;
  }

  #fieldOf(secret: Secret, name: string): Json {
    const value = secretField(secret, name);
    if (value === undefined) {
      throw new CommandError(`Error: the answer has no field "${name}"`, 1);
    }
    return value;
  }
}
