/** How MCP servers are reached: a program in the sandbox of the run's place, or an address. */
import type { Transport } from "@modelcontextprotocol/client";
import type { Launcher } from "../hands_launch.ts";
import type { HandsWatch } from "../hands_watch.ts";
import { inOwnGroup } from "../process_group.ts";
import type { McpServerConfig, Place } from "../protocol.ts";
import { ChildTransport } from "./child_transport.ts";
import { valuesOf } from "./own_values.ts";
import type { OpenTransport } from "./servers.ts";

/** Most bytes of one answer over HTTP. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

/** What starts programs, and what holds them to their limits. */
interface Starter {
  launcher: Launcher;
  watch: HandsWatch;
}

/** For the runs of one place. Rejects when a program would have to run without a sandbox. */
export const openTransportIn = (
  starter: Starter,
  place: Place,
  signal: AbortSignal,
): OpenTransport =>
async (config) =>
  config.transport === "http"
    ? await overHttp(config)
    : await startProgram(starter, place, config, signal);

/** Watched for as long as it lives: what it takes it takes without being asked, too. */
async function startProgram(
  { launcher, watch }: Starter,
  place: Place,
  { name, command, args, env }: McpServerConfig,
  signal: AbortSignal,
): Promise<ChildTransport> {
  const launch = await launcher.program(place, { command, args, env: valuesOf(env, name) }, signal);
  const { program, ...rest } = inOwnGroup(launch.program, launch.args);
  const child = new Deno.Command(program, {
    ...rest,
    env: launch.env,
    clearEnv: true,
    cwd: "/",
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const transport = new ChildTransport(child);
  const watched = {
    pid: child.pid,
    limits: launch.limits,
    runsCommand: true,
    endForExcess: (cause: string) => transport.end(cause),
  };
  watch.follow(watched);
  void child.status.then(() => watch.unfollow(watched));
  return transport;
}

async function overHttp({ name, url, headers }: McpServerConfig): Promise<Transport> {
  const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: valuesOf(headers, name) },
    fetch: cappedFetch,
  });
}

/** An answer beyond all measure breaks off. */
const cappedFetch = async (url: string | URL, init?: RequestInit): Promise<Response> => {
  const response = await fetch(url, { ...init, redirect: "error" });
  if (!response.body) return response;
  let bytes = 0;
  const cap = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes <= MAX_RESPONSE_BYTES) controller.enqueue(chunk);
      else controller.error(new Error(`it sent more than ${MAX_RESPONSE_BYTES} bytes`));
    },
  });
  return new Response(response.body.pipeThrough(cap), response);
};
