/** Which folders a person may have shown, read-only, to what agents run: none that holds secrets, or leads to them. */

export interface ShownFoldersOptions {
  /** Absolute path of the person's home folder; "" where there is none. */
  home: string;
  /** Absolute path of the data folder. */
  dataDir: string;
}

/** The system's own, with the sockets of its services and the keys of its owner. */
const system = ["/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/etc"];
/** In a home folder. */
const secrets = [
  ...[".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config", ".netrc", ".npmrc"],
  ...[".git-credentials", ".password-store", ".mozilla", ".local/share/keyrings", ".claude"],
  ...[".cargo/credentials.toml", ".m2/settings.xml", ".gradle/gradle.properties", ".pypirc"],
];

/** Why a folder can't be shown, as a sentence goes on after its path; null: it can. Looks at the path alone. */
export function whyNotShown(path: string, { home, dataDir }: ShownFoldersOptions): string | null {
  if (!path.startsWith("/")) return "is no absolute path";
  if (/[\0\n:]/.test(path)) return "has a character that no folder on PATH can have";
  if (path.split("/").some((part) => part === "." || part === "..")) return 'has "." or ".." in it';
  const folder = path.replace(/\/+/g, "/").replace(/(.)\/$/, "$1");
  if (folder === "/") return "is everything";
  const homeDir = home.replace(/\/+$/, "");
  if (homeDir !== "" && holds(folder, homeDir)) return "is your home folder, or holds it";
  const closed = [
    ...system,
    ...dataDir === "" ? [] : [dataDir],
    ...homeDir === "" ? [] : secrets.map((name) => `${homeDir}/${name}`),
  ];
  const met = closed.find((one) => holds(folder, one) || holds(one, folder));
  if (met === undefined) return null;
  return met === dataDir
    ? "is Gaffer's data folder, holds it or lies in it"
    : `is, holds or lies in ${met}, which may hold secrets`;
}

const holds = (outer: string, inner: string): boolean =>
  inner === outer || inner.startsWith(`${outer}/`);
