/** `users/…`: who may log in, and what for. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import { applyFormerNames, keepFormerValues } from "../common/former_names.ts";
import {
  changeTokenParams,
  defaultTokenParams,
  shownTokenParams,
  tokenFields,
} from "../common/token_fields.ts";
import { type Passwords, readForeignHash } from "./password.ts";
import { deleteUser, formerNames, readUser, saveUser, shownUser, userNames } from "./user.ts";

const formerFields = {
  policies: field.list("Former name of token_policies."),
  ttl: field.duration("Former name of token_ttl."),
  max_ttl: field.duration("Former name of token_max_ttl."),
  bound_cidrs: field.list("Former name of token_bound_cidrs."),
};

const passwordFields = {
  password: field.string("The password."),
  password_hash: field.string("A bcrypt hash instead of the password."),
};

const userFields = { ...tokenFields, ...formerFields, ...passwordFields };

type Given = { readonly [K in keyof typeof userFields]?: (typeof userFields)[K]["default"] };

/** The hash of what a request brought, or undefined where it brought none. */
async function newHash(
  passwords: Passwords,
  call: Call,
  { password, password_hash }: Pick<Given, "password" | "password_hash">,
): Promise<string | undefined> {
  if (password !== undefined && password_hash !== undefined) {
    throw badRequest("password and password_hash exclude each other");
  }
  if (password_hash !== undefined) return readForeignHash(password_hash);
  if (password === undefined) return undefined;
  if (password === "") throw badRequest("missing password");
  return await passwords.hash(call.request, password);
}

async function writeUser(
  passwords: Passwords,
  call: Call,
  name: string,
  wanted: Given,
): Promise<void> {
  const before = await readUser(call.storage, name);
  const { given, came, gone } = applyFormerNames(formerNames, wanted);
  const params = changeTokenParams(before?.params ?? defaultTokenParams, given);
  const passwordHash = await newHash(passwords, call, wanted) ?? before?.passwordHash;
  if (passwordHash === undefined) throw badRequest("missing password");
  const shown = shownTokenParams(params);
  const former = keepFormerValues(formerNames, before?.former ?? {}, { came, gone }, shown);
  saveUser(call.storage, name, { passwordHash, params, former });
}

/** A change of one side of a user that must be there. */
async function changeUser(
  passwords: Passwords,
  call: Call,
  name: string,
  wanted: Given,
): Promise<void> {
  if (await readUser(call.storage, name) === undefined) {
    throw badRequest("username does not exist");
  }
  await writeUser(passwords, call, name, wanted);
}

export function userPaths(passwords: Passwords): Path[] {
  return [
    path("users/?", {
      summary: "Lists the users.",
      operations: {
        list: {
          summary: "Lists the users.",
          handler: async (call) => ({ data: { keys: await userNames(call.storage) } }),
        },
      },
    }),
    userPath(passwords),
    path("users/:username/password", {
      summary: "A user's password.",
      params: { username: "Name of the user" },
      fields: passwordFields,
      operations: {
        update: {
          summary: "Changes the password.",
          handler: async (call, { username, password, password_hash }) => {
            if (password === undefined && password_hash === undefined) {
              throw badRequest("missing password");
            }
            await changeUser(passwords, call, username, { password, password_hash });
          },
        },
      },
    }),
    path("users/:username/policies", {
      summary: "A user's policies.",
      params: { username: "Name of the user" },
      fields: { policies: formerFields.policies, token_policies: tokenFields.token_policies },
      operations: {
        update: {
          summary: "Changes the policies.",
          handler: (call, { username, policies, token_policies }) =>
            changeUser(passwords, call, username, { policies, token_policies }),
        },
      },
    }),
  ];
}

function userPath(passwords: Passwords): Path {
  return path("users/:username", {
    summary: "A user.",
    params: { username: "Name of the user" },
    fields: userFields,
    exists: async (call, { username }) => await readUser(call.storage, username) !== undefined,
    operations: {
      read: {
        summary: "Reads a user; the password is not shown.",
        handler: async (call, { username }) => {
          const user = await readUser(call.storage, username);
          if (user === undefined) throw notFound();
          return { data: shownUser(user) };
        },
      },
      update: {
        summary: "Makes or changes a user.",
        handler: (call, input) => writeUser(passwords, call, input.username, input),
      },
      delete: {
        summary: "Deletes a user. Tokens live on, but can't be renewed.",
        handler: (call, { username }) => deleteUser(call.storage, username),
      },
    },
  });
}
