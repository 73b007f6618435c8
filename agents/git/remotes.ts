/** Addresses that a branch may be pushed to. Nothing here looks whether anything is there. */

/** "https", "http", "ssh" or "file". */
export const protocolOf = (remote: string): string =>
  /^([a-z]+):\/\//i.exec(remote)?.[1]?.toLowerCase() ?? (remote.startsWith("/") ? "file" : "ssh");

/** `git@host:path`, as ssh users write it. */
const SCP_LIKE = /^(?:[\w][\w.-]*@)?[A-Za-z0-9][\w.-]*:(?!\/\/)[\w./~][\w./~+-]*$/;

/** Why a remote's address can't be pushed to; null: it can. Without looking whether anything is there. */
export function whyNoRemote(remote: string): string | null {
  const hint = "Write https://host/owner/name.git, ssh://git@host/path or git@host:path";
  if (SCP_LIKE.test(remote)) return null;
  if (!URL.canParse(remote) || /\s/.test(remote)) return hint;
  const url = new URL(remote);
  if (url.password !== "" || url.protocol !== "ssh:" && url.username !== "") {
    return "Leave user and password out: the token is taken from the variable";
  }
  if (url.search !== "" || url.hash !== "" || !/^[A-Za-z0-9[]/.test(url.host)) return hint;
  if (url.protocol === "http:") {
    return isThisMachine(url.hostname)
      ? null
      : "Over http anyone on the way reads the token: use https";
  }
  return url.protocol === "https:" || url.protocol === "ssh:" ? null : hint;
}

/** Whether nothing that is sent there leaves this machine. */
export const isThisMachine = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
