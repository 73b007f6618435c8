/** Routes of documents' images, added by a person and shown, and of their diagrams. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { z } from "zod";
import { imageHref } from "../../views/links.ts";
import { type Api, type Env, type RequestContext, requestSignal } from "../api.ts";
import { AppError } from "../errors.ts";
import { once } from "../once.ts";
import { diagramSvg } from "../services/diagrams.ts";
import { keepDraft } from "../services/document_drafts.ts";
import { addImage, IMAGE_BYTES, imageMarkdown, readImage } from "../services/document_images.ts";
import { getDocument } from "../store/documents.ts";
import { getProject } from "../store/projects.ts";
import { editHref, typedIn } from "./document_edit.tsx";
import { act, done, type PageTools, refusedAt } from "./page.ts";

const imageInput = once(() =>
  z.strictObject({
    name: z.string().max(300).default("").describe("As the file is called"),
    data: z.string().max(Math.ceil(IMAGE_BYTES / 3) * 4)
      .refine((text) => text.length % 4 === 0 && /^[\w+/]*={0,2}$/.test(text), "expected base64")
      .describe(`The file in base64, at most ${IMAGE_BYTES / 1024 / 1024} MB of it`),
  })
);

const imageSchema = once(() =>
  z.object({
    path: z.string().describe("In the project's planning/"),
    href: z.string().describe("Where it is shown"),
  }).meta({ id: "DocumentImage" })
);

export function documentImagesApi(api: Api): void {
  api.post("/projects/:id/images", {
    summary: "Keep an image for documents in planning/images/: PNG, JPEG, GIF or WebP",
    tag: "documents",
    body: imageInput,
    out: imageSchema,
    status: 201,
    async prepare({ app, params, body: { name, data } }) {
      const image = { name, bytes: new Uint8Array(Buffer.from(data, "base64")) };
      return await addImage(app, params.id!, image, requestSignal());
    },
  }, ({ params, prepared }) => ({ path: prepared, href: imageHref(params.id!, prepared) }));
}

export function documentImagePages(pages: Hono<Env>, _tools: PageTools): void {
  pages.get("/planning/:project/:path{images/.+}", async (c) => {
    const { app } = c.var;
    const project = getProject(app.db, c.req.param("project"));
    const { bytes, type } = await readImage(app, project, c.req.param("path"), requestSignal());
    const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`;
    const headers = {
      "content-type": type,
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "private, no-cache",
      "content-disposition": "inline",
      etag,
    };
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
    return c.body(bytes, 200, headers);
  });

  pages.get(
    "/planning/diagrams/:id",
    async (c) =>
      c.body(await diagramSvg(c.var.app, c.req.param("id")), 200, {
        "content-type": "image/svg+xml",
        // Its own style, and no other thing that it might have.
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "cache-control": "private, max-age=3600",
      }),
  );

  // By a script, which puts the answer into the text; or by the button, which leads back to the form.
  pages.post("/documents/:id/images", async (c) => {
    const { app } = c.var;
    const document = getDocument(app.db, c.req.param("id"));
    const { file, ...fields } = await readUpload(c);
    const add = async () => {
      const given = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
      const image = await addImage(app, document.projectId, given, requestSignal());
      return imageMarkdown(document, { name: file.name, image });
    };
    if (c.req.header("accept") === "application/json") {
      try {
        return c.json({ markdown: await add() });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return c.json({ problem: error.message }, 422);
      }
    }
    const { seen, typed } = typedIn(fields);
    const keep = (words: string) => {
      const { text } = typedIn({ ...fields, text: words });
      return keepDraft(app, document.id, { text, seen, ...typed }, requestSignal());
    };
    const back = editHref(document.id, typed.form);
    return await act(async () => {
      const before = fields.text.trimEnd();
      await keep(`${before}${before && "\n\n"}${await add()}\n`);
      return done(c, back, "Image added at the end of your draft");
    }, async ({ message }) => {
      await keep(fields.text);
      return refusedAt(c, back, message);
    });
  });
}

async function readUpload(c: RequestContext) {
  const body = await c.req.parseBody();
  const words = (name: string) => typeof body[name] === "string" ? body[name] : "";
  const file = body.image instanceof File ? body.image : new File([], "");
  return {
    ...{ file, text: words("text"), seen: words("seen"), crlf: words("crlf") },
    ...{ typed_in: words("typed_in"), typed_from: words("typed_from") },
  };
}
