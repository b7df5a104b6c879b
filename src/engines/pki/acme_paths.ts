/** ACME is not here; whoever asks for it is told so. */
import { badRequest, notFound } from "../../base/failure.ts";
import { field } from "../../backend/field.ts";
import { type Path, path } from "../../backend/path.ts";

const sentence = "ACME is not supported here: use issue/ or sign/";

function absent(
  pattern: "acme/+rest" | "roles/:role/acme/+rest" | "issuer/:issuer_ref/acme/+rest",
) {
  const refuse = () => {
    throw notFound(sentence);
  };
  return path(pattern, {
    summary: "ACME, which is not here.",
    unauthenticated: true,
    arbitrary: true,
    operations: {
      read: { summary: "Says so.", handler: refuse, undocumented: true, standby: true },
      update: { summary: "Says so.", handler: refuse, undocumented: true, standby: true },
    },
  });
}

export function acmePaths(): Path[] {
  return [
    path("config/acme", {
      summary: "ACME, which is not here.",
      fields: { enabled: field.bool("Only false.", false) },
      arbitrary: true,
      operations: {
        read: { summary: "Reads that it is off.", handler: () => ({ data: { enabled: false } }) },
        update: {
          summary: "Refuses to turn it on.",
          handler: (_call, { enabled }) => {
            if (enabled) throw badRequest(sentence);
            return { data: { enabled: false } };
          },
        },
      },
    }),
    absent("acme/+rest"),
    absent("roles/:role/acme/+rest"),
    absent("issuer/:issuer_ref/acme/+rest"),
  ];
}
