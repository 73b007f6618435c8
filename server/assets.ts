/** Styles, scripts and icons: read once at start, served from memory, cached for ever under their hash. */
import { createHash } from "node:crypto";
import type { Handler } from "hono";
import type { Env, RequestContext } from "./api.ts";

export interface Assets {
  /** Address of a file in the static folder, changing with its content. Throws for a name that is not there. */
  url(name: string): string;
  /** Answers GET /static/*. */
  readonly serve: Handler<Env>;
}

interface Asset {
  bytes: Uint8Array<ArrayBuffer>;
  type: string;
  hash: string;
}

const types: Record<string, string> = {
  css: "text/css; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  webmanifest: "application/manifest+json",
  woff2: "font/woff2",
};
/** A static folder larger than this was pointed at the wrong place. */
const MAX_FILES = 500;
const HASH_CHARS = 16;
const ROOT = "/static/";

/** Files of others that the pages use, seen from the static folder of a checkout. The compiled binary has copies. */
const vendored: Record<string, string> = {
  "htmx.js": "../node_modules/htmx.org/dist/htmx.min.js",
  "hx-sse.js": "../node_modules/htmx.org/dist/ext/hx-sse.min.js",
};

/**
 * Reads the static folder (a URL that ends with a slash). `joined` names files that are made of others, one after
 * the other: one request instead of many. Throws when something is missing or has no known type.
 */
export function loadAssets(
  folder: URL,
  joined: Record<string, readonly string[]> = {},
): Assets {
  const files = new Map(filesIn(folder, ""));
  for (const [name, path] of Object.entries(vendored)) {
    if (!files.has(name)) files.set(name, new URL(path, folder));
  }
  if (files.size > MAX_FILES) {
    throw new Error(`Cannot serve ${folder}: it has more than ${MAX_FILES} files`);
  }
  const assets = new Map([...files].map(([name, url]) => [name, readAsset(name, url)]));
  for (const [name, parts] of Object.entries(joined)) {
    assets.set(name, joinAssets(name, parts.map((part) => assets.get(part))));
  }
  return {
    url(name) {
      const asset = assets.get(name);
      if (!asset) throw new Error(`Cannot link to "${name}": it is not in the static folder`);
      return `${ROOT}${name}?v=${asset.hash}`;
    },
    serve: (c) => respond(c, assets.get(c.req.path.slice(ROOT.length))),
  };
}

function* filesIn(folder: URL, prefix: string): Generator<[name: string, url: URL]> {
  for (const entry of Deno.readDirSync(folder)) {
    const url = new URL(encodeURIComponent(entry.name), folder);
    const name = prefix + entry.name;
    if (entry.isDirectory) yield* filesIn(new URL(`${url}/`), `${name}/`);
    else yield [name, url];
  }
}

function readAsset(name: string, url: URL): Asset {
  const type = typeOf(name);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Deno.readFileSync(url);
  } catch (error) {
    throw new Error(`Cannot serve "${name}": ${url.pathname} can't be read. Run \`deno install\``, {
      cause: error,
    });
  }
  return { bytes, type, hash: hashOf(bytes) };
}

const hashOf = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex").slice(0, HASH_CHARS);

function typeOf(name: string): string {
  const type = types[name.slice(name.lastIndexOf(".") + 1)];
  if (!type) throw new Error(`Cannot serve "${name}": no content type is known for it`);
  return type;
}

function joinAssets(name: string, parts: (Asset | undefined)[]): Asset {
  const texts = parts.map((part) => {
    if (!part) throw new Error(`Cannot serve "${name}": a part of it is not in the static folder`);
    return new TextDecoder().decode(part.bytes);
  });
  const bytes = new TextEncoder().encode(texts.join(";\n"));
  return { bytes, type: typeOf(name), hash: hashOf(bytes) };
}

function respond(c: RequestContext, asset: Asset | undefined): Response {
  if (!asset) return c.text("Not found", 404);
  const etag = `"${asset.hash}"`;
  const headers = {
    etag,
    "cache-control": c.req.query("v") === asset.hash
      ? "public, max-age=31536000, immutable"
      : "no-cache",
  };
  // The server weakens the tag of what it compresses; the same content it is all the same.
  const known = c.req.header("if-none-match")?.split(",").map((tag) =>
    tag.trim().replace(/^W\//, "")
  );
  if (known?.includes(etag)) return c.body(null, 304, headers);
  return c.body(asset.bytes, 200, { ...headers, "content-type": asset.type });
}
