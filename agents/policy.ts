/**
 * Which paths an agent may touch, decided outside of the model: checked in the hands, next to the files. What else it
 * may do is the server's to decide, in permissions/decide.ts.
 */
import { absolutePath, baseName, folderOf, isInside, relativePath } from "./paths.ts";
import type { PathPolicy } from "./protocol.ts";
import { ToolError } from "./tools/tool.ts";

/** Off limits in every place, as a whole path segment: configuration that leads out, and keys. */
const secretNames = [
  /^\.(git|ssh|gnupg|aws|kube|docker)$/i,
  /^\.env(rc|\..*)?$/i,
  /\.(pem|key|p12|pfx|jks|keystore|kdbx)$/i,
  /^id_(rsa|dsa|ecdsa|ed25519)/i,
  /^(\.npmrc|\.pypirc|\.netrc|_netrc|\.git-credentials|\.htpasswd|\.pgpass)$/i,
];
/** Templates of such files hold no secret, and agents should keep them up to date. */
const templateNames = /^\.env\.(example|sample|template|dist|defaults)$/i;

const isSecret = (name: string): boolean =>
  !templateNames.test(name) && secretNames.some((pattern) => pattern.test(name));

/** The rules of one agent, for paths relative to its place. Each answers why not, or null. */
export interface PathRules {
  /** Off limits itself, and so is all below it. */
  blocked(path: string): string | null;
  /** Not among the files the agent is limited to. Says nothing about folders. */
  notAllowed(path: string): string | null;
  /** May be read, but is not among the files that the agent may write. */
  notWritable(path: string): string | null;
}

/** Compiles a policy. A block without a slash holds in every folder, and for all that lies below it. */
export async function pathRules(policy: PathPolicy): Promise<PathRules> {
  const isAllowed = policy.allow.length > 0 ? await globMatcher(policy.allow) : null;
  const write = policy.write ?? [];
  const isWritable = write.length > 0 ? await globMatcher(write) : null;
  const block = policy.block.flatMap((glob) => {
    const anywhere = glob.includes("/") ? glob : `**/${glob}`;
    return [anywhere, `${anywhere}/**`];
  });
  const isBlocked = block.length > 0 ? await globMatcher(block) : null;
  return {
    blocked(path) {
      if (path.split("/").some(isSecret)) return "secrets and git's own files are off limits";
      return isBlocked?.(path) ? "this agent's settings block it" : null;
    },
    notAllowed: (path) =>
      isAllowed && !isAllowed(path) ? `this agent is limited to ${policy.allow.join(", ")}` : null,
    notWritable: (path) =>
      isWritable && !isWritable(path) ? `this agent may write only in ${write.join(", ")}` : null,
  };
}

export type Matcher = (path: string) => boolean;

/** Matches paths relative to some folder. Loaded on first use: few calls need it. */
export async function globMatcher(globs: string[]): Promise<Matcher> {
  // The entry "picomatch" would look at `process`, which makes Deno load all of Node's modules.
  const { default: picomatch } = await import("picomatch/posix.js");
  return picomatch(globs, { dot: true });
}

export type PathUse = "read" | "write" | "search";

/** A path that may be used, with symbolic links worked out. */
export interface ResolvedPath {
  /** Absolute, no part of it a symbolic link. */
  real: string;
  /** `real` relative to the place; "" for its root. The name under which its hash is known. */
  relative: string;
}

/** What paths are checked against. */
export interface PathScope {
  /** Absolute real path of the place. */
  dir: string;
  /** Absolute paths inside `dir` that are not part of it: Gaffer's own data, say. */
  hidden: readonly string[];
  rules: PathRules;
}

const MAX_PATH_BYTES = 4_095;
const MAX_NAME_BYTES = 255;
const encoder = new TextEncoder();

/**
 * The path that a model named, relative to the place or absolute inside it. The file need not exist, but
 * the deepest folder that does is inside the place whatever links lead there. Throws `ToolError`.
 */
export function resolvePath(scope: PathScope, path: string, use: PathUse): ResolvedPath {
  const refuse = (why: string) => denied(use, path, why);
  if (path.includes("\0")) throw refuse("a path can't contain a NUL character");
  if (encoder.encode(path).length > MAX_PATH_BYTES) throw refuse("it is too long for a path");
  if (path.split("/").some((name) => encoder.encode(name).length > MAX_NAME_BYTES)) {
    throw refuse("one of its names is too long");
  }
  const absolute = absolutePath(scope.dir, path);
  if (!isInside(scope.dir, absolute)) {
    throw refuse(`it is outside of the project folder ${scope.dir}`);
  }
  const real = realPathOf(absolute, refuse);
  if (!isInside(scope.dir, real)) {
    throw refuse("a symbolic link leads out of the project folder");
  }
  for (const spelling of new Set([absolute, real])) {
    if (scope.hidden.some((hidden) => isInside(hidden, spelling))) {
      throw refuse("it is not part of the project");
    }
    const path = relativePath(scope.dir, spelling);
    // A folder may be searched; the files in it are then checked one by one.
    const refusal = scope.rules.blocked(path) ??
      (use === "search" ? null : scope.rules.notAllowed(path)) ??
      (use === "write" ? scope.rules.notWritable(path) : null);
    if (refusal) throw refuse(refusal);
  }
  return { real, relative: relativePath(scope.dir, real) };
}

/** Real path of the deepest part that exists, and the rest as it is. */
function realPathOf(absolute: string, refuse: (why: string) => ToolError): string {
  let existing = absolute;
  let rest = "";
  while (true) {
    try {
      const real = Deno.realPathSync(existing);
      return rest ? absolutePath(real, rest) : real;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        throw refuse(whyUnreachable(error));
      }
    }
    if (isLink(existing)) throw refuse("it is a symbolic link to something that does not exist");
    rest = rest ? `${baseName(existing)}/${rest}` : baseName(existing);
    existing = folderOf(existing);
  }
}

function whyUnreachable(error: unknown): string {
  if (error instanceof Deno.errors.FilesystemLoop) return "its symbolic links go in circles";
  if (error instanceof Deno.errors.NotADirectory) {
    return "a part of the path is a file, not a folder";
  }
  return "it can't be reached";
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    return false; // nothing there, which is what the caller wants to know
  }
}

/** A refusal by rule: trying again is pointless, and the model is told so. */
export const denied = (use: PathUse, path: string, why: string): ToolError =>
  new ToolError(`Cannot ${use} ${JSON.stringify(path)}: ${why}. Trying it again will not help.`);
