/**
 * Sends a ticket's branch to a remote. The one place where Gaffer's git uses the network: by the one protocol that the
 * remote's address names, from an empty repository of Gaffer's own that only borrows the objects. So nothing that a
 * repository or a person's configuration says (hooks, `url.*.insteadOf`, credential helpers, proxies) has a part in it,
 * and the remote is the one that was named. A token is in the environment of git alone, and goes to that address only.
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { MINUTE_MS, SECOND_MS } from "../../server/clock.ts";
import { AppError } from "../../server/errors.ts";
import { findProgram } from "../find_program.ts";
import { git, gitOk } from "./git.ts";
import { GitError } from "./git_error.ts";
import { protocolOf } from "./remotes.ts";
import { readIfThere } from "./presence.ts";
import { checkBranch, checkCommit, commonDirOf, isAncestor, readRef } from "./repository.ts";

/** Of one command. A host that answers nothing shows with the short look, and holds up nothing else for long. */
const LOOK_TIMEOUT_MS = 30 * SECOND_MS;
const SEND_TIMEOUT_MS = 2 * MINUTE_MS;

/** Taken over from Gaffer's environment: how this machine reaches others, and whom it trusts. */
const reaching = [
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"],
  ...["http_proxy", "https_proxy", "no_proxy", "all_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK"],
];

/** Where it goes over the network, and from which repository. */
export interface RemotePlace {
  repo: string;
  /** Passed `whyNoRemote`, or a "file:" address of a test's. */
  remote: string;
  /** What HTTPS asks for; null: nothing, as by SSH. */
  login: { user: string; token: string } | null;
  /** Absolute path of what speaks SSH; the system's own by default. */
  ssh?: string;
}

export interface PushSpec extends RemotePlace {
  branch: string;
  commit: string;
  /** Commits that Gaffer is known to have put there itself: what a branch at one of them may be replaced by. */
  own: readonly string[];
  signal: AbortSignal;
}

export type Pushed =
  /** The remote's branch is at the commit. */
  | { type: "pushed" }
  /** Nothing was sent: the branch there is at a commit that is neither Gaffer's nor within what would be sent. */
  | { type: "foreign"; tip: string };

/**
 * Puts the commit on the branch there, however often it is asked. Throws `GitError` when git fails; its message has
 * no word of the token.
 */
export async function pushBranch(spec: PushSpec): Promise<Pushed> {
  checkBranch(spec.branch);
  checkCommit(spec.commit);
  await using place = await borrow(spec);
  const tip = await remoteTip(spec, place.path);
  if (tip === spec.commit) return { type: "pushed" };
  if (tip !== null && !spec.own.includes(tip) && !await holds(spec, tip)) {
    return { type: "foreign", tip };
  }
  const ref = `refs/heads/${spec.branch}`;
  // Whoever pushes between the look and this makes it fail.
  const lease = `--force-with-lease=${ref}:${tip ?? ""}`;
  const args = ["push", "--porcelain", "--no-verify", lease, "--", spec.remote];
  await overNetwork(spec, place.path, [...args, `${spec.commit}:${ref}`], "push the branch");
  return { type: "pushed" };
}

/** Commit at the branch there; null: there is no such branch. */
async function remoteTip(spec: PushSpec, place: string): Promise<string | null> {
  const ref = `refs/heads/${spec.branch}`;
  const text = await overNetwork(
    spec,
    place,
    ["ls-remote", "--", spec.remote, ref],
    "look at the remote",
  );
  const line = text.split("\n").find((line) => line.endsWith(`\t${ref}`));
  return line ? checkCommit(line.slice(0, line.indexOf("\t"))) : null;
}

/** It is within what would be sent, so that nothing of it is lost. */
async function holds({ repo, commit, signal }: PushSpec, tip: string): Promise<boolean> {
  return await readRef(repo, tip, signal) !== null && await isAncestor(repo, tip, commit, signal);
}

/** Runs git in a repository of Gaffer's own, with the remote's protocol let through; gives what it prints. */
export async function overNetwork(
  spec: RemotePlace & { signal: AbortSignal },
  place: string,
  args: string[],
  doing: string,
): Promise<string> {
  const { signal, login, remote } = spec;
  const result = await git(place, args, {
    signal,
    timeoutMs: args[0] === "ls-remote" ? LOOK_TIMEOUT_MS : SEND_TIMEOUT_MS,
    env: networkEnv(spec),
    // Neither a token nor a branch goes where another server points.
    settings: ["http.followRedirects=false", "push.default=nothing", "protocol.version=2"],
    doing,
  });
  if (result.code === 0) return result.stdout;
  const said = clean(`${result.stderr}\n${result.stdout}`, login);
  const mend = mendOf(said);
  throw new GitError(
    `Cannot ${doing} at "${remote}": git says "${wordsOf(said)}"${mend ? `. ${mend}` : ""}`,
    result.code,
    said,
  );
}

/** What a refused push says beside its progress. */
function wordsOf(text: string): string {
  const lines = text.split("\n").map((line) => line.trim().replaceAll("\t", " ")).filter(Boolean);
  const telling = lines.filter((line) => TELLING.test(line));
  const words = (telling.length > 0 ? telling : lines).join("; ");
  return words.length > WORDS_CHARS ? `${words.slice(0, WORDS_CHARS)}…` : words;
}
const TELLING =
  /^(remote: |fatal: |error: |ERROR: |! |ssh: |Host key|.*: Permission denied|.*IDENTIFICATION HAS CHANGED)/;
const WORDS_CHARS = 600;

const NOT_LET_IN = /Permission denied \(|Too many authentication failures/;

/** Refusals that stay until a person mends them. */
const refusals: { pattern: RegExp; mend: string }[] = [
  {
    pattern:
      /Authentication failed|could not read (Username|Password)|error: 40[13]\b|HTTP 40[13]/i,
    mend: "See that the variable holds a token that may write to this repository",
  },
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    mend:
      "Find out why that host has another key than the one you know, then mend your known_hosts",
  },
  {
    pattern: /Host key verification failed/,
    mend: "Connect to that host once by hand with ssh, so that its key is known",
  },
  {
    pattern: NOT_LET_IN,
    mend: "Load a key that may push into the ssh agent that Gaffer is started with",
  },
  {
    pattern: /Permission to .+ denied|marked as read.only/i,
    mend: "Give the key that Gaffer's ssh agent holds the right to write to that repository",
  },
  {
    pattern:
      /repository '.*' not found|Repository not found|does not appear to be a git repository/,
    mend: "See that the remote's address is right, and that the token may see that repository",
  },
  {
    // Not whatever was rejected: a ref that is locked, or a fault over there, passes by itself.
    pattern:
      /hook declined|protected branch|push declined|refusing to allow|denying non-fast-forward/i,
    mend: "The forge does not take it: read what it says, and change its rules or the work",
  },
  {
    pattern: /error: 30[0-9]\b|redirection/i,
    mend: "Set the address that the repository has now: another one is not followed",
  },
  {
    pattern: /SSL certificate problem|certificate verif/i,
    mend:
      "Name the certificates that this host is trusted by with SSL_CERT_FILE, where Gaffer is started",
  },
];

function mendOf(said: string): string | undefined {
  if (NOT_LET_IN.test(said) && !Deno.env.get("SSH_AUTH_SOCK")) {
    return "Gaffer was started without an ssh agent: start it where SSH_AUTH_SOCK names one with a key that may push";
  }
  return refusals.find(({ pattern }) => pattern.test(said))?.mend;
}

/** Nothing but a person's doing will let the same push through. */
export const isLastingRefusal = ({ stderr }: GitError): boolean =>
  refusals.some(({ pattern }) => pattern.test(stderr));

const clean = (text: string, login: RemotePlace["login"]): string =>
  login === null ? text : [login.token, basic(login)].reduce(
    (clean, secret) => clean.replaceAll(secret, "[token]"),
    text,
  );

/** As HTTP sends it. */
const basic = ({ user, token }: { user: string; token: string }): string =>
  Buffer.from(`${user}:${token}`).toString("base64");

function networkEnv(
  { remote, login, ssh = findProgram("ssh") ?? "" }: RemotePlace,
): Record<string, string> {
  const protocol = protocolOf(remote);
  const env: Record<string, string> = {
    GIT_ALLOW_PROTOCOL: protocol,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
  };
  for (const name of reaching) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  if (protocol === "ssh") {
    if (ssh === "") throw noSsh();
    env.GIT_SSH_COMMAND = [quoted(ssh), ...sshOptions.map((option) => `-o ${option}`)].join(" ");
    env.GIT_SSH_VARIANT = "ssh";
  }
  if (login && (protocol === "https" || protocol === "http")) {
    // Not in the arguments, which every user of the machine can read.
    env.GIT_CONFIG_COUNT = "1";
    env.GIT_CONFIG_KEY_0 = `http.${new URL(remote).origin}/.extraHeader`;
    env.GIT_CONFIG_VALUE_0 = `Authorization: Basic ${basic(login)}`;
  }
  return env;
}

/** Beside what a person's own configuration of ssh says of the host. */
const sshOptions = [
  // Nobody is there to answer a question; a host that is not known yet is not trusted.
  "BatchMode=yes",
  "StrictHostKeyChecking=yes",
  "ConnectTimeout=20",
  // A shared connection would outlive the push, and hold its output open.
  "ControlMaster=no",
  "ControlPath=none",
  "ForwardAgent=no",
  "ClearAllForwardings=yes",
];

/** For the shell with which git starts it. */
const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;

const noSsh = () =>
  new AppError("invalid", "Cannot push by SSH: ssh is not installed. Install it, or push by HTTPS");

/** An empty repository that finds the objects of the project's. Removed with all that is in it. */
export async function borrow(
  { repo, signal }: Pick<RemotePlace, "repo"> & { signal: AbortSignal },
): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "gaffer-push-" });
  const place = { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
  try {
    const common = await Deno.realPath(await commonDirOf(repo, signal));
    const format = await formatOf(repo, signal);
    const args = ["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, path];
    await gitOk(path, args, { signal, doing: "prepare the push" });
    await Deno.mkdir(join(path, "objects", "info"), { recursive: true });
    await Deno.writeTextFile(
      join(path, "objects", "info", "alternates"),
      `${join(common, "objects")}\n`,
    );
    // Where history was cut off, git must know it.
    const shallow = await readIfThere(join(common, "shallow"));
    if (shallow !== null) await Deno.writeTextFile(join(path, "shallow"), shallow);
    return place;
  } catch (error) {
    await place[Symbol.asyncDispose]();
    throw error;
  }
}

/** How object ids are made there. */
async function formatOf(repo: string, signal: AbortSignal): Promise<string> {
  const args = ["rev-parse", "--show-object-format"];
  return (await gitOk(repo, args, { signal, doing: "open the repository" })).trim();
}
