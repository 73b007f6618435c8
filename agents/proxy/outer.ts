/**
 * The proxy that the server itself is behind, by the variables that most programs know (HTTPS_PROXY, HTTP_PROXY,
 * NO_PROXY). Its password is for it alone: it reaches no command. Written here and not taken from npm: the packages
 * read the process's own environment, which this process has none of.
 */
import type { Destination } from "./request.ts";

/** Of the server's environment; upper and lower case. */
export const outerVariables = ["https_proxy", "http_proxy", "all_proxy", "no_proxy"] as const;
export type OuterEnvironment = Partial<Record<typeof outerVariables[number], string>>;

export const outerEnvironment = (env: Record<string, string | undefined>): OuterEnvironment =>
  Object.fromEntries(
    outerVariables.flatMap((name) => {
      const value = env[name] || env[name.toUpperCase()];
      return value ? [[name, value]] : [];
    }),
  );

export class OuterProxies {
  readonly #env: OuterEnvironment;

  constructor(env: OuterEnvironment) {
    this.#env = env;
  }

  /** Null: it is reached directly. Only HTTP proxies, with TLS or without. */
  for({ host, port }: Destination): URL | null {
    const { https_proxy, http_proxy, all_proxy, no_proxy = "" } = this.#env;
    if (isExcluded(no_proxy, host, port)) return null;
    const text = (port === 80 ? http_proxy : https_proxy) ?? all_proxy ?? "";
    const address = /^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`;
    if (text === "" || !URL.canParse(address)) return null;
    const url = new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url : null;
  }
}

/** The header's value that the outer proxy wants; null: it wants none. */
export function credentialsOf({ username, password }: URL): string | null {
  if (username === "" && password === "") return null;
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(text)))}`;
}

/** `*`, `example.com`, `.example.com` and `*.example.com` (both of which cover what lies below), each with a port or without. */
function isExcluded(list: string, host: string, port: number): boolean {
  return list.toLowerCase().split(/[\s,]+/).some((entry) => {
    const [, name = "", only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    if (name === "" || (only !== undefined && Number(only) !== port)) return false;
    const bare = name.replace(/^\*?\.?/, "");
    return name === "*" || host === bare || host.endsWith(`.${bare}`);
  });
}
