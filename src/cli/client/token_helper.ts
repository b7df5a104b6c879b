/**
 * Where the user's token is kept between commands: `~/.vault-token`, or an external program named
 * by `token_helper` in the client's own configuration (VAULT_CONFIG_PATH, default `~/.vault`).
 * A helper is called with `get`, `store` (token on its standard input) or `erase`.
 */
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { describeError } from "../../base/failure.ts";
import { CommandError } from "../errors.ts";
import type { Io } from "../io.ts";

export interface TokenHelper {
  /** "" when there is none. */
  get(): Promise<string>;
  store(token: string): Promise<void>;
  erase(): Promise<void>;
}

/** The helper that the user's configuration names. Throws CommandError when that is unreadable. */
export async function tokenHelper(io: Io): Promise<TokenHelper> {
  const program = await helperProgram(io);
  return program === undefined ? fileHelper(io) : externalHelper(program, io);
}

function homePath(io: Io, path: string): string {
  const home = io.env("HOME");
  if (!home) throw new CommandError("HOME is not set, so there is no place for a token", 1);
  return path.startsWith("~/") ? `${home}/${path.slice(2)}` : path;
}

async function helperProgram(io: Io): Promise<string | undefined> {
  const named = io.env("VAULT_CONFIG_PATH");
  if (!named && !io.env("HOME")) return undefined;
  const path = homePath(io, named || "~/.vault");
  const text = await readOptional(io, path);
  if (text === undefined) return undefined;
  const match = /^\s*token_helper\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:(?:#|\/\/).*)?$/m.exec(text);
  const program = match?.[1]?.replace(/\\(.)/g, "$1");
  return program === undefined || program === "" ? undefined : homePath(io, program);
}

async function readOptional(io: Io, path: string): Promise<string | undefined> {
  try {
    return fromUtf8(await io.readFile(path));
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.IsADirectory ||
      error instanceof Deno.errors.NotADirectory;
    if (absent) return undefined;
    throw new CommandError(`can't read ${path}: ${describeError(error)}`, 1);
  }
}

function fileHelper(io: Io): TokenHelper {
  const path = () => homePath(io, "~/.vault-token");
  return {
    get: async () => io.env("HOME") ? (await readOptional(io, path()) ?? "").trim() : "",
    async store(token) {
      try {
        await io.writePrivateFile(path(), utf8(token));
      } catch (error) {
        throw new CommandError(`can't store the token: ${describeError(error)}`, 1);
      }
    },
    async erase() {
      try {
        await io.removeFile(path());
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

function externalHelper(program: string, io: Io): TokenHelper {
  const call = async (verb: string, input: string) => {
    // As other clients do: a name with blanks is a shell command, a bare path is a program.
    const [name, args] = /\s/.test(program)
      ? ["/bin/sh", ["-c", `${program} ${verb}`]] as const
      : [program, [verb]] as const;
    const result = await io.runHelper(name, args, input).catch((error) => {
      throw new CommandError(`can't run the token helper: ${describeError(error)}`, 1);
    });
    if (result.code !== 0) {
      throw new CommandError(`the token helper failed at "${verb}" (exit ${result.code})`, 1);
    }
    return result.out;
  };
  return {
    get: async () => (await call("get", "")).trim(),
    store: async (token) => void await call("store", token),
    erase: async () => void await call("erase", ""),
  };
}
