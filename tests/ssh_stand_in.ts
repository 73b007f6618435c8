/** A stand-in for ssh: takes the arguments that git gives it, and runs the remote's command on this machine. */
import { join } from "node:path";
import { exists } from "./git_support.ts";

/** What one call of it was given. */
export interface SshCall {
  args: string[];
  /** Names of the variables that it saw. */
  variables: string[];
}

export interface SshStandIn {
  /** Of the program. */
  path: string;
  calls(): Promise<SshCall[]>;
  /** It says this from now on, and lets nobody in; "": it lets everybody in. */
  refuse(words: string): Promise<void>;
}

/** `dir`: an empty folder, whose name may be as unusual as any. */
export async function makeSshStandIn(dir: string): Promise<SshStandIn> {
  await Deno.mkdir(dir, { recursive: true });
  const path = join(dir, "ssh");
  // The last argument is the command, as ssh would hand it to the remote's shell.
  const script = `#!/bin/sh
here=$(dirname "$0")
{ printf '%s\\n' "$@"; echo --; env | cut -d= -f1; echo ==; } >> "$here/calls"
if [ -s "$here/refusal" ]; then cat "$here/refusal" >&2; exit 255; fi
for last; do :; done
exec sh -c "$last"
`;
  await Deno.writeTextFile(path, script);
  await Deno.chmod(path, 0o755);
  return {
    path,
    async calls() {
      const file = join(dir, "calls");
      if (!await exists(file)) return [];
      const texts = (await Deno.readTextFile(file)).split("==\n").filter(Boolean);
      return texts.map((text) => {
        const [args = "", variables = ""] = text.split("--\n");
        return { args: args.trim().split("\n"), variables: variables.trim().split("\n") };
      });
    },
    refuse: (words) => Deno.writeTextFile(join(dir, "refusal"), words),
  };
}
