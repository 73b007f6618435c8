/** Images of documents: what may be one, where it is kept, and how it is shown. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  notStrictEqual as notEqual,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { Buffer } from "node:buffer";
import { gitBytes } from "../agents/git/git.ts";
import {
  IMAGE_BYTES,
  imageAddress,
  imageTypeOf,
  imageWords,
  isImagePath,
  newImagePath,
} from "../agents/planning/image_files.ts";
import { addImage, linkedImage, readImage } from "../server/services/document_images.ts";
import { setDocumentSaves } from "../server/services/documents.ts";
import { renderDocument } from "../views/document_markdown.ts";
import { exists, never } from "./git_support.ts";
import { GIF, JPEG, PNG, WEBP } from "./images.ts";
import { planningBench } from "./planning_support.ts";

const SAVING = "planning/specs/saving.md";
const SVG = new TextEncoder().encode('<svg xmlns="x"><script>alert(1)</script></svg>');

Deno.test("imageTypeOf() goes by the first bytes, whatever a name says", () => {
  deepEqual([PNG, JPEG, GIF, WEBP].map((bytes) => imageTypeOf(bytes)?.ending), [
    ...["png", "jpg", "gif", "webp"],
  ]);
  for (
    const bytes of [SVG, new Uint8Array(), PNG.subarray(1), new TextEncoder().encode("<html>")]
  ) {
    equal(imageTypeOf(bytes), null);
  }
});

Deno.test("newImagePath() keeps a safe name with the content's hash, and refuses what is no image", () => {
  match(newImagePath("Screen shot (2).PNG", PNG), /^images\/screen-shot-2-[0-9a-f]{12}\.png$/);
  match(newImagePath("../../.git/hooks/x.sh", PNG), /^images\/x-[0-9a-f]{12}\.png$/);
  match(newImagePath("C:\\a\\b.svg", GIF), /^images\/b-[0-9a-f]{12}\.gif$/);
  match(newImagePath("計画.png", PNG), /^images\/image-[0-9a-f]{12}\.png$/);
  match(newImagePath("x".repeat(5_000), PNG), /^images\/x{40}-[0-9a-f]{12}\.png$/);
  notEqual(newImagePath("a", PNG), newImagePath("a", new Uint8Array([...PNG, 0])));
  for (const name of ["a.png", "../x", "con.png", "計画.png"]) {
    equal(isImagePath(newImagePath(name, PNG)), true);
  }
  const refused = (bytes: Uint8Array, why: RegExp) =>
    throws(() => newImagePath("a.png", bytes), { code: "invalid", message: why });
  refused(SVG, /An SVG file can hold scripts/);
  refused(new TextEncoder().encode("hello"), /no PNG, JPEG, GIF or WebP/);
  refused(new Uint8Array(), /Choose a file/);
  refused(new Uint8Array(IMAGE_BYTES + 1), /larger than 8 MB/);
});

Deno.test("only images below planning/images/ have a path and an address", () => {
  for (const path of ["images/a.png", "images/sub/a b.JPG", "images/x.webp"]) {
    equal(isImagePath(path), true);
  }
  const bad = [
    ...[
      "a.png",
      "images/a.svg",
      "images/a.md",
      "images/../a.png",
      "images/.a.png",
      "images//a.png",
    ],
    ...[
      "specs/images/a.png",
      "/images/a.png",
      "images/con.png",
      "images/a.png/",
      "images\\a.png",
      "",
    ],
    `images/${"a/".repeat(9)}a.png`,
  ];
  for (const path of bad) equal(isImagePath(path), false, path);
  equal(imageAddress("map.md", "images/a.png"), "images/a.png");
  equal(imageAddress("specs/deep/x.md", "images/a.png"), "../../images/a.png");
  const from = { path: "specs/saving.md" };
  equal(linkedImage(from, "../images/a.png?x#y"), "images/a.png");
  equal(linkedImage(from, "/planning/images/a%20b.png"), "images/a b.png");
  for (
    const src of [
      "images/a.png",
      "../../images/a.png",
      "https://x.example/images/a.png",
      "data:image/png,x",
    ]
  ) {
    equal(linkedImage(from, src), null, src);
  }
  equal(imageWords("a](javascript:alert(1)) <b>.png"), "a javascript alert 1 b");
});

Deno.test("an image is one commit with its bytes; the same again is the same file", async () => {
  await using b = await planningBench();
  const path = await addImage(b.app, b.project.id, { name: "Map.png", bytes: PNG }, never);
  deepEqual(await Deno.readFile(`${b.repo.dir}/planning/${path}`), PNG);
  const args = ["show", `main:planning/${path}`];
  deepEqual(await gitBytes(b.repo.dir, args, { signal: never, doing: "show it" }), PNG);
  equal(await b.repo.git("log", "-1", "--format=%s"), `docs(planning): add ${path}`);
  const tip = await b.repo.git("rev-parse", "main");
  equal(await addImage(b.app, b.project.id, { name: "Map.png", bytes: PNG }, never), path);
  equal(await b.repo.git("rev-parse", "main"), tip);
  deepEqual((await readImage(b.app, b.project, path, never)).bytes, PNG);
  equal(await b.repo.git("status", "--porcelain"), "");
});

Deno.test("an image goes to the base branch that is not checked out, or only into the folder", async () => {
  await using b = await planningBench();
  await b.repo.git("switch", "-q", "-c", "other");
  const path = await addImage(b.app, b.project.id, { name: "a", bytes: WEBP }, never);
  equal(await exists(`${b.repo.dir}/planning/${path}`), false);
  deepEqual((await readImage(b.app, b.project, path, never)).bytes, WEBP);
  const large = new Uint8Array(IMAGE_BYTES + 1);
  large.set(PNG);
  await b.repo.git("switch", "-q", "main");
  await b.repo.write("planning/images/large.png", large);
  await b.repo.commit("Large");
  const show = () => readImage(b.app, b.project, "images/large.png", never);
  await rejects(show, { code: "conflict", message: /larger than 8192 KB/ });
  await b.repo.git("switch", "-q", "other");
  await rejects(show, { code: "conflict", message: /larger than 8192 KB/ });
  setDocumentSaves(b.app, b.project.id, "files");
  const tip = await b.repo.git("rev-parse", "main");
  const second = await addImage(b.app, b.project.id, { name: "a", bytes: JPEG }, never);
  deepEqual(await Deno.readFile(`${b.repo.dir}/planning/${second}`), JPEG);
  equal(await b.repo.git("rev-parse", "main"), tip);
});

Deno.test("an image is not saved over another file, through a link, or into an archived project", async () => {
  await using b = await planningBench();
  const path = newImagePath("a", PNG);
  await b.repo.write(`planning/${path}`, GIF);
  const add = () => addImage(b.app, b.project.id, { name: "a", bytes: PNG }, never);
  await rejects(add, { code: "conflict", message: /is another one already/ });
  deepEqual(await Deno.readFile(`${b.repo.dir}/planning/${path}`), GIF);
  await Deno.remove(`${b.repo.dir}/planning/images`, { recursive: true });
  await Deno.mkdir(b.repo.beside("elsewhere"));
  await Deno.symlink(b.repo.beside("elsewhere"), `${b.repo.dir}/planning/images`);
  await rejects(add, { code: "conflict", message: /symbolic link/ });
  equal(await exists(b.repo.beside(`elsewhere/${path.slice(7)}`)), false);
});

Deno.test("a document shows its images by a route that gives nothing else", async () => {
  await using b = await planningBench({
    [SAVING]:
      "# Saving\n\n![a map](../images/map.png) ![out](https://x.example/a.png) ![up](../../a.png)\n",
    "planning/images/secret.png": "no image\n",
    "planning/images/evil.svg": "<svg/>",
    "planning/secret.md": "secret",
  });
  await b.repo.write("planning/images/map.png", PNG);
  await b.repo.commit("Map");
  await b.follow();
  const href = `/planning/${b.project.id}/images/map.png`;
  const page = await (await b.pages.get(`/documents/${b.idOf("specs/saving.md")}`)).text();
  match(page, new RegExp(`<img src="${href}" alt="a map" loading="lazy">`));
  match(page, /\[image: out\][^]*\[image: up\]/);
  doesNotMatch(page, /src="https/);
  const shown = await b.pages.get(href);
  deepEqual(new Uint8Array(await shown.arrayBuffer()), PNG);
  const header = (name: string) => shown.headers.get(name);
  deepEqual(
    [header("content-type"), header("content-security-policy"), header("x-content-type-options")],
    ["image/png", "default-src 'none'; sandbox", "nosniff"],
  );
  equal((await b.pages.get(href, { "if-none-match": header("etag")! })).status, 304);
  const status = async (path: string) =>
    (await b.pages.get(`/planning/${b.project.id}/${path}`)).status;
  equal(await status("images/secret.png"), 409);
  for (
    const path of [
      "images/evil.svg",
      "images/none.png",
      "secret.md",
      "images/..%2Fsecret.md",
      "images/%2e%2e/secret.md",
    ]
  ) {
    equal(await status(path), 404, path);
  }
  await Deno.remove(`${b.repo.dir}/planning/images/map.png`);
  await Deno.symlink("/etc/passwd", `${b.repo.dir}/planning/images/map.png`);
  equal(await status("images/map.png"), 409);
});

Deno.test("the form takes an image without scripts at the end of the draft, and a script gets the words", async () => {
  await using b = await planningBench();
  await b.follow();
  const id = b.idOf("specs/saving.md");
  const edit = await (await b.pages.get(`/documents/${id}/edit`)).text();
  const seen = /name="seen" value="([^"]*)"/.exec(edit)![1]!;
  const send = async (
    bytes: Uint8Array<ArrayBuffer>,
    headers: HeadersInit = {},
    text = "# Saving\r\n\r\ntyped",
  ) => {
    const body = new FormData();
    body.set("text", text);
    body.set("seen", seen);
    body.set("image", new File([bytes], "My map.png"));
    return await b.pages.http.request(`/documents/${id}/images`, { method: "POST", body, headers });
  };
  const refused = await send(SVG);
  equal(refused.headers.get("location"), `/documents/${id}/edit`);
  const kept = await (await b.pages.get(`/documents/${id}/edit`)).text();
  match(kept, /typed/);
  const added = await send(PNG);
  equal(added.status, 303);
  const path = newImagePath("My map.png", PNG);
  const after = await (await b.pages.get(`/documents/${id}/edit`)).text();
  match(after, new RegExp(`typed\n\n!\\[My map\\]\\(\\.\\./${path}\\)\n</textarea>`));
  for (const [text, shown] of [["\r\n    code\r\n", "\n    code\n\n"], ["", ""]]) {
    await send(PNG, {}, text);
    const { json } = await b.call("GET", `/documents/${id}/draft`);
    equal(json.text, `${shown}![My map](../${path})\n`);
  }
  const json = { accept: "application/json" };
  deepEqual(await (await send(PNG, json)).json(), { markdown: `![My map](../${path})` });
  const problem = await send(SVG, json);
  equal(problem.status, 422);
  match((await problem.json()).problem, /SVG/);
});

Deno.test("the API keeps an image given in base64, and says what is wrong with another", async () => {
  await using b = await planningBench();
  const data = Buffer.from(PNG).toString("base64");
  const address = `/projects/${b.project.id}/images`;
  const { status, json } = await b.call("POST", address, { name: "a.png", data });
  equal(status, 201);
  const path = newImagePath("a.png", PNG);
  deepEqual(json, { path, href: `/planning/${b.project.id}/${path}` });
  const wrong = async (body: unknown) => (await b.call("POST", address, body)).status;
  equal(await wrong({ data: "no base64!" }), 422);
  equal(await wrong({ data: Buffer.from(SVG).toString("base64") }), 422);
  equal(await wrong({ data: "" }), 422);
  equal(await wrong({ data: "A".repeat(12_000_000) }), 422);
  equal(await wrong({ data: "A".repeat(13_000_000) }), 413);
  equal((await b.call("POST", "/projects/none/images", { data })).status, 404);
});

Deno.test("words and addresses of an image or a diagram are inert, whatever they say", () => {
  const signs = "\"><script>alert(1)</script>' onerror=alert(1)";
  const texts = [
    `![${signs.replace(/[\[\]]/g, "")}](images/a.png)`,
    `![a](<images/a.png${signs.replace(/[<>]/g, "")}>)`,
    `![a](images/a.png "${signs.replaceAll('"', "'")}")`,
    `![a](images/%22onerror=alert(1)%22.png)`,
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml,<svg onload=alert(1)>)",
    `\`\`\`mermaid\n${signs}\n\`\`\``,
    `\`\`\`mermaid ${signs.replaceAll("`", "")}\ngraph\n\`\`\``,
    `- [ ] ![${signs}][x]\n\n[x]: images/a.png`,
  ];
  for (const text of texts) {
    for (const diagram of [() => ({ src: `/x${signs}` }), () => ({ problem: signs })]) {
      const links = { resolve: () => null, document: () => null, image: (src: string) => src };
      const { html } = renderDocument(text, { links, diagram });
      const tags = html.match(/<[^>]*>/g)!.join("").replace(/"[^"]*"/g, '""');
      doesNotMatch(tags, /<script|<svg|\son\w+=/i, text);
      doesNotMatch(html, /src="(?:javascript|data):/i, text);
    }
  }
});
