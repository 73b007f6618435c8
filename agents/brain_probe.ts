/** The brain's canary: tries what a brain must not be able to do. Only a denied permission counts as held. */
// Deno 2.7 knows the permissions of a worker among its unstable types only.
/// <reference lib="deno.unstable" />
import type { BrainProbeTargets } from "./protocol.ts";

/** A denial comes at once; what is still on its way after this was not denied. */
const ATTEMPT_MS = 1_000;
/** An address that belongs to nobody (RFC 5737), so a hole is not a connection to someone. */
const OTHER_HOST = "192.0.2.1";
/** Cloud machines hand out credentials there. */
const METADATA_HOST = "169.254.169.254";
/** A program that is there, wherever PATH leads: that none is found would not be a denial. */
const SHELL = "/bin/sh";

/** Names of what succeeded, or failed for another reason than a missing permission. Empty: confined. */
export async function probeBrain(targets: BrainProbeTargets): Promise<string[]> {
  const held = await Promise.all(attempts(targets).map(isHeld));
  return attempts(targets).filter((_, index) => !held[index]).map(({ name }) => name);
}

interface Attempt {
  name: string;
  try: () => unknown;
}

function attempts({ file, module, port }: BrainProbeTargets): Attempt[] {
  return [
    { name: "read a file", try: () => Deno.readTextFileSync(file) },
    { name: "write a file", try: () => Deno.writeTextFileSync(`${file}.written`, "") },
    {
      name: "run a command",
      try: () => new Deno.Command(SHELL, { args: ["-c", ":"] }).outputSync(),
    },
    { name: "read the environment", try: () => Deno.env.get("HOME") },
    { name: "ask about the system", try: () => Deno.hostname() },
    { name: "load a native library", try: () => Deno.dlopen(`${file}.so`, {}) },
    { name: "reach this machine", try: () => Deno.connect({ hostname: "127.0.0.1", port }) },
    { name: "reach another host", try: () => Deno.connect({ hostname: OTHER_HOST, port: 443 }) },
    { name: "fetch from this machine", try: () => fetchFrom("127.0.0.1") },
    { name: "fetch from the metadata address", try: () => fetchFrom(METADATA_HOST) },
    { name: "listen on a port", try: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }) },
    { name: "start a worker with more rights", try: startWorker },
    ...module === null ? [] : [{ name: "import a file", try: () => importModule(module) }],
  ];
}

async function isHeld(attempt: Attempt): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ATTEMPT_MS);
  // In a function of its own: some of these throw, others reject.
  const tried = (async () => await attempt.try())().then(() => false, isDenial);
  const held = await Promise.race([tried, late.promise]);
  clearTimeout(timer);
  return held;
}

/** An import's denial is a TypeError, and the module it names exists, so nothing else can have failed it. */
const isDenial = (error: unknown): boolean =>
  error instanceof Deno.errors.NotCapable || error instanceof ImportRefused;

/** By its usual port: some others the runtime refuses by itself, which would not be a denial. */
const fetchFrom = (host: string): Promise<Response> =>
  fetch(`http://${host}/`, { redirect: "manual", signal: AbortSignal.timeout(ATTEMPT_MS) });

class ImportRefused extends Error {}

async function importModule(address: string): Promise<unknown> {
  try {
    return await import(address);
  } catch (error) {
    throw new ImportRefused("not imported", { cause: error });
  }
}

function startWorker(): void {
  const script = "data:application/javascript,0";
  new Worker(script, { type: "module", deno: { permissions: { read: true } } }).terminate();
}
