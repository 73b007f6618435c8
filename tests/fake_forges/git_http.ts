/** A bare repository over HTTP, by git's own CGI program, for those who have the token. */
interface Served {
  gitDir: string;
  /** Path at which it stands. */
  prefix: string;
  token: string;
}

export async function serveGit(
  request: Request,
  { gitDir, prefix, token }: Served,
): Promise<Response> {
  const login = atob((request.headers.get("authorization") ?? "").replace(/^Basic /, ""));
  if (login.split(":").slice(1).join(":") !== token) {
    return new Response("no", {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="git"' },
    });
  }
  const url = new URL(request.url);
  const child = new Deno.Command("git", {
    args: ["-c", "http.receivepack=true", "http-backend"],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_PROJECT_ROOT: gitDir,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname.slice(prefix.length),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers.get("content-type") ?? "",
      HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
      GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
      REMOTE_USER: "ana",
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const body = new Uint8Array(await request.arrayBuffer());
  const writer = child.stdin.getWriter();
  await writer.write(body);
  await writer.close();
  const { stdout } = await child.output();
  // Headers, an empty line, the body.
  const end = new TextDecoder("latin1").decode(stdout).indexOf("\r\n\r\n");
  const lines = new TextDecoder().decode(stdout.slice(0, end)).split("\r\n");
  const headers = new Headers(
    lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()] as [string, string];
    }),
  );
  const status = Number((headers.get("status") ?? "200").split(" ")[0]);
  headers.delete("status");
  return new Response(stdout.slice(end + 4), { status, headers });
}
