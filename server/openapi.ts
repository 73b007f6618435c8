/** The description of the API, made of the same schemas that check its requests. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Api } from "./api.ts";
import { VERSION } from "./version.ts";

export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

/** OpenAPI 3.1 of all routes that are declared by now; their paths are relative to /api/v1. */
export async function describeApi(api: Api): Promise<OpenApiDocument> {
  // Loaded when it is asked for: a start has no time for it.
  const { OpenAPIHono } = await import("@hono/zod-openapi");
  const described = new OpenAPIHono();
  for (const route of await api.routes()) described.openAPIRegistry.registerPath(route);
  const document = described.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Gaffer",
      version: VERSION,
      description: "Ideas become merged code. Errors are RFC 9457 problem details; lists are " +
        '`{"items": […], "next": cursor or null}`; /events is a stream that resumes by Last-Event-ID.',
    },
    servers: [{ url: "/api/v1" }],
  });
  for (const path of Object.values(document.paths ?? {})) {
    if (path.post) (path.post.parameters ??= []).push({ $ref: REF + "IdempotencyKey" });
    if (path.patch) (path.patch.parameters ??= []).push({ $ref: REF + "IfMatch" });
  }
  return { ...document, components: { ...document.components, parameters } };
}

const REF = "#/components/parameters/";

/** What the middleware reads, whatever the route. */
const parameters: NonNullable<OpenApiDocument["components"]>["parameters"] = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "A text of your own for this request. Repeated with the same key within a day, it is " +
      "answered again and not done again.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    required: true,
    description: "The ETag that you got the thing with; 412 when it has changed since.",
    schema: { type: "string" },
  },
};
