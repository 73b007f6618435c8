/** Plans how the proxy of a place's sandbox is started. */
import { AppError } from "../server/errors.ts";
import type { Reach } from "./protocol.ts";
import { MAX_SOCKET_CHARS, type ProxyLaunch } from "./proxy_process.ts";
import { outerEnvironment } from "./proxy/outer.ts";

export interface ProxyPlan {
  reach: Reach;
  /** Absolute path of a folder that only this server sees. */
  dir: string;
  /** Of the runtime, for this very program as a proxy. */
  args: string[];
  /** All that the process gets of an environment. */
  env: Record<string, string>;
  /** The server's own: only the proxy that it is behind is read from it. */
  serverEnv: Record<string, string | undefined>;
  /** The server's own; null while there is none. */
  port: number | null;
}

/** Throws `conflict` where temporary files lie too deep for a socket. */
export function proxyLaunch({ reach, dir, args, env, serverEnv, port }: ProxyPlan): ProxyLaunch {
  const socket = `${dir}/proxy-${crypto.randomUUID().slice(0, 8)}`;
  if (socket.length > MAX_SOCKET_CHARS) {
    throw new AppError(
      "conflict",
      `Cannot open the way to the allowed hosts: ${socket} is too long for a socket. ` +
        "Start Gaffer with a shorter TMPDIR",
    );
  }
  const addresses = Deno.networkInterfaces().map(({ address }) => address);
  return {
    program: Deno.execPath(),
    args,
    env,
    config: {
      socket,
      rules: reach.hosts,
      own: { port, addresses },
      outer: outerEnvironment(serverEnv),
    },
  };
}
