/**
 * Signing of the commits that land on a base branch. Gaffer's git runs no program that a configuration names, so what
 * the repository says about signing is not obeyed: a person names the key, and these fixed programs are run with it.
 */
import { isAbsolute } from "node:path";
import { AppError } from "../../server/errors.ts";
import type { SignKind } from "../../server/states.ts";
import { findProgram } from "../find_program.ts";
import { git } from "./git.ts";

export interface Signer {
  kind: SignKind;
  /** `ssh`: absolute path of a key file, private, or public where an agent has the private one; `openpgp`: its fingerprint. */
  key: string;
}

const programs: Record<SignKind, string> = { ssh: "ssh-keygen", openpgp: "gpg" };

/** Longest name of a key. */
export const KEY_MAX_CHARS = 1_000;

/** How git is told to sign: settings of one call, beyond the guards, and what its programs find in the environment. */
export function signingWith({ kind, key }: Signer): {
  args: string[];
  settings: string[];
  env: Record<string, string>;
} {
  const program = findProgram(programs[kind]);
  const says = kind === "ssh"
    ? ["gpg.format=ssh", `gpg.ssh.program=${program}`]
    : ["gpg.format=openpgp", `gpg.program=${program}`, `gpg.openpgp.program=${program}`];
  const agent = kind === "ssh" ? Deno.env.get("SSH_AUTH_SOCK") : undefined;
  return {
    args: ["-S"],
    settings: [...says, `user.signingKey=${key}`],
    env: agent === undefined ? {} : { SSH_AUTH_SOCK: agent },
  };
}

/**
 * Gives it back where it names a key that nothing which agents write can have put there; else throws `invalid`.
 * `within`: folders that hold what agents write. Links are followed.
 */
export async function checkSigner(signer: Signer, within: readonly string[]): Promise<Signer> {
  const message = await whyNoKey(signer, within);
  if (message === null) return signer;
  throw new AppError("invalid", `Cannot sign with "${signer.key}": ${message}`, [
    { field: "sign_key", message },
  ]);
}

async function whyNoKey({ kind, key }: Signer, within: readonly string[]): Promise<string | null> {
  if (findProgram(programs[kind]) === null) return `${programs[kind]} is not installed`;
  if (kind === "openpgp") {
    return /^(0x)?[0-9A-Fa-f]{16,64}$/.test(key)
      ? null
      : "Write the key's fingerprint, or its last 16 digits";
  }
  // deno-lint-ignore no-control-regex -- git's settings are lines
  if (!isAbsolute(key) || /[\u0000-\u001f]/.test(key)) return "Write the absolute path of the key";
  const real = await Deno.realPath(key).catch(() => null);
  if (real === null || !(await Deno.stat(real)).isFile) return "There is no such file";
  const folders = await Promise.all(within.map((dir) => Deno.realPath(dir).catch(() => dir)));
  return folders.some((dir) => real.startsWith(`${dir}/`))
    ? "It is in a folder that agents' work goes into; keep the key elsewhere"
    : null;
}

/** Whether the person's own commits there are signed, by the repository's or the person's configuration. */
export async function signsItself(repo: string, signal: AbortSignal): Promise<boolean> {
  const args = ["config", "--show-scope", "--type=bool", "--get-all", "commit.gpgSign"];
  const { code, stdout } = await git(repo, args, { signal });
  if (code !== 0) return false;
  // The last one counts, but for Gaffer's own of this very call.
  const own = stdout.trim().split("\n").filter((line) => !line.startsWith("command\t"));
  return own.at(-1)?.endsWith("\ttrue") ?? false;
}
