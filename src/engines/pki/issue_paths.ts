/** `issue/`, `sign/` and `sign-verbatim`, also below an issuer. */
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";
import type { Call } from "../../core/backend.ts";
import type { Engine } from "./engine.ts";
import { issueLeaf, type LeafInput, readRequest } from "./issue.ts";
import { leafFields } from "./request_fields.ts";
import { defaultKeyUsage, openRole, requireRole, type Role } from "./role.ts";

const issuerRef = field.string("The issuer: id or name.", "default");
/** The role says which issuer: a request that could choose would choose what its policy does not name. */
const ignoredIssuer = field.string("Accepted and not looked at: the issuer is the role's.", "");
const csr = field.string("The request in PEM.", "");

const verbatimFields = {
  ...leafFields,
  csr,
  key_usage: field.list("Key usages, where the request has none.", defaultKeyUsage),
  ext_key_usage: field.list("Extended key usages, where the request has none.", []),
  ext_key_usage_oids: field.list("More of them, as object identifiers.", []),
  signature_bits: field.int("Bits of the hash of RSA signatures.", 0),
  use_pss: field.bool("RSA signatures are PSS.", false),
  basic_constraints_valid_for_non_ca: field.bool("The certificate says that it is no CA's.", false),
};

interface VerbatimInput extends LeafInput {
  readonly csr: string;
  readonly key_usage: readonly string[];
  readonly ext_key_usage: readonly string[];
  readonly ext_key_usage_oids: readonly string[];
  readonly signature_bits: number;
  readonly use_pss: boolean;
  readonly basic_constraints_valid_for_non_ca: boolean;
}

async function signVerbatim(
  engine: Engine,
  call: Call,
  input: VerbatimInput,
  issuer: string,
  roleName: string,
) {
  const named = roleName === "" ? undefined : await requireRole(call, roleName);
  const request = await readRequest(engine, input.csr);
  const changes: Partial<Role> = {
    key_usage: [...input.key_usage],
    ext_key_usage: [...input.ext_key_usage],
    ext_key_usage_oids: [...input.ext_key_usage_oids],
    server_flag: false,
    client_flag: false,
    signature_bits: input.signature_bits,
    use_pss: input.use_pss,
    basic_constraints_valid_for_non_ca: input.basic_constraints_valid_for_non_ca,
    ...(named === undefined ? {} : {
      ttl: named.ttl,
      max_ttl: named.max_ttl,
      generate_lease: named.generate_lease,
      no_store: named.no_store,
      not_before_duration: named.not_before_duration,
    }),
  };
  const role = openRole(changes);
  const issuerRef = issuer || named?.issuer_ref || "default";
  return await issueLeaf(engine, call, { role, issuerRef, input, request, verbatim: true });
}

export function issuePaths(engine: Engine): Path[] {
  const issueFields = {
    ...leafFields,
    key_type: field.string("The key's type, where the role's is any.", ""),
    key_bits: field.int("Bits of the key.", 0),
  };
  const issue = async (
    call: Call,
    input: LeafInput & { readonly key_type: string; readonly key_bits: number },
    roleName: string,
    issuer: string,
  ) => {
    const role = await requireRole(call, roleName);
    const key = { keyType: input.key_type, keyBits: input.key_bits };
    return await issueLeaf(engine, call, {
      role,
      issuerRef: issuer || role.issuer_ref,
      input,
      ...key,
    });
  };
  const sign = async (
    call: Call,
    input: LeafInput & { readonly csr: string },
    roleName: string,
    issuer: string,
  ) => {
    const role = await requireRole(call, roleName);
    const request = await readRequest(engine, input.csr);
    const issuerRef = issuer || role.issuer_ref;
    return await issueLeaf(engine, call, { role, issuerRef, input, request });
  };
  const issueSummary = "Makes a key and a certificate for it.";
  const signSummary = "Signs a certificate for a request's key.";
  const verbatimSummary = "Signs a request as it is, whatever it says.";
  return [
    path("issue/:role", {
      summary: issueSummary,
      fields: { ...issueFields, issuer_ref: ignoredIssuer },
      operations: {
        update: {
          summary: issueSummary,
          standby: true,
          handler: (call, input) => issue(call, input, input.role, ""),
        },
      },
    }),
    path("issuer/:issuer_ref/issue/:role", {
      summary: issueSummary,
      fields: issueFields,
      operations: {
        update: {
          summary: issueSummary,
          standby: true,
          handler: (call, input) => issue(call, input, input.role, input.issuer_ref),
        },
      },
    }),
    path("sign/:role", {
      summary: signSummary,
      fields: { ...leafFields, csr, issuer_ref: ignoredIssuer },
      operations: {
        update: {
          summary: signSummary,
          standby: true,
          handler: (call, input) => sign(call, input, input.role, ""),
        },
      },
    }),
    path("issuer/:issuer_ref/sign/:role", {
      summary: signSummary,
      fields: { ...leafFields, csr },
      operations: {
        update: {
          summary: signSummary,
          standby: true,
          handler: (call, input) => sign(call, input, input.role, input.issuer_ref),
        },
      },
    }),
    path("sign-verbatim/?", {
      summary: verbatimSummary,
      fields: { ...verbatimFields, issuer_ref: issuerRef },
      operations: {
        update: {
          summary: verbatimSummary,
          standby: true,
          handler: (call, input) => signVerbatim(engine, call, input, input.issuer_ref, ""),
        },
      },
    }),
    path("sign-verbatim/:role", {
      summary: verbatimSummary,
      fields: { ...verbatimFields, issuer_ref: ignoredIssuer },
      operations: {
        update: {
          summary: verbatimSummary,
          standby: true,
          handler: (call, input) => signVerbatim(engine, call, input, "", input.role),
        },
      },
    }),
    path("issuer/:issuer_ref/sign-verbatim/?", {
      summary: verbatimSummary,
      fields: verbatimFields,
      operations: {
        update: {
          summary: verbatimSummary,
          standby: true,
          handler: (call, input) => signVerbatim(engine, call, input, input.issuer_ref, ""),
        },
      },
    }),
    path("issuer/:issuer_ref/sign-verbatim/:role", {
      summary: verbatimSummary,
      fields: verbatimFields,
      operations: {
        update: {
          summary: verbatimSummary,
          standby: true,
          handler: (call, input) => signVerbatim(engine, call, input, input.issuer_ref, input.role),
        },
      },
    }),
  ];
}
