/**
 * Ends processes that got away from their group: a daemon calls setsid, but it keeps the environment it
 * was started with, and so a marker in there. Linux only; elsewhere there is no /proc and nothing is found.
 */

/** Set for everything that hands start; its value names the hands and the command. */
export const MARKER_VARIABLE = "GAFFER_COMMAND";

/** Rounds until a fork bomb is given up; each kills all there is at that instant. */
const MAX_ROUNDS = 50;

// $1: text in the environment. Reads with shell and grep, since Deno keeps /proc for itself. Its own
// processes do not carry the marker: they have an environment of PATH alone.
const SWEEP = `
[ -d /proc/self ] || exit 0
round=0
while [ $round -lt ${MAX_ROUNDS} ]; do
  pids=
  for file in $(grep -ls -F -e "$1" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    pids="$pids \${pid%/environ}"
  done
  [ -n "$pids" ] || exit 0
  kill -KILL $pids 2>/dev/null
  round=$((round + 1))
done
exit 1`;

// $1: the one process to keep, beside this one and the first. Only for a process namespace of our own: there the
// first has started the one to keep. Anywhere else this would end the person's whole session, or the machine.
const SWEEP_ALL = `
read -r line <"/proc/$1/stat" || exit 1
fields=\${line##*) }
case \$fields in "\${fields%% *} 1 "*) ;; *) exit 1 ;; esac
round=0
while [ $round -lt ${MAX_ROUNDS} ]; do
  pids=
  for dir in /proc/[0-9]*; do
    pid=\${dir#/proc/}
    case $pid in 1|"$1"|$$) continue ;; esac
    read -r line 2>/dev/null <"$dir/stat" || continue
    # What follows the name, which the process chose, is its state: dead ones wait for their parent.
    case \${line##*) } in Z*|X*) continue ;; esac
    pids="$pids $pid"
  done
  [ -n "$pids" ] || exit 0
  kill -KILL $pids 2>/dev/null
  round=$((round + 1))
done
exit 1`;

/**
 * Kills every process whose environment holds `MARKER_VARIABLE=marker` or begins so; false when some were
 * left. `env` must not hold the marker.
 */
export const sweepMarked = (sh: string, marker: string): Promise<boolean> =>
  run(sh, SWEEP, `${MARKER_VARIABLE}=${marker}`);

/** Kills every process of this namespace but its first and `keepPid`; false when some were left, or it is not ours. */
export const sweepNamespace = (sh: string, keepPid: number): Promise<boolean> =>
  run(sh, SWEEP_ALL, String(keepPid));

async function run(sh: string, script: string, argument: string): Promise<boolean> {
  const { success } = await new Deno.Command(sh, {
    args: ["-c", script, "sh", argument],
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
