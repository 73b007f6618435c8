/** Where a project opens pull requests: named by a person, tried before it is relied upon. */
import { isThisMachine, whyNoRemote } from "../../agents/git/remotes.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError, type FieldError } from "../errors.ts";
import type { ForgeSettings } from "../records.ts";
import { type ForgeKind, forgeNames } from "../states.ts";
import { deleteForge, findForge, putForge } from "../store/forges.ts";
import { getProject } from "../store/projects.ts";

/** Where a forge's API is, unless a person names another. Of Gitea there is none that is everybody's. */
export const usualApis: Record<ForgeKind, string> = {
  github: "https://api.github.com",
  gitlab: "https://gitlab.com/api/v4",
  gitea: "",
};

/** Names or changes a project's forge. Asks nothing of it. Throws `invalid` with each field that can't be right. */
export function setForge(app: App, projectId: string, given: ForgeSettings): ForgeSettings {
  const forge = {
    ...given,
    apiUrl: (given.apiUrl || usualApis[given.kind]).replace(/\/+$/, ""),
    repository: given.repository.replace(/^\/+|\/+$|\.git$/g, ""),
  };
  const errors = problemsOf(forge);
  if (errors.length > 0) {
    throw new AppError(
      "invalid",
      `Cannot use this forge: ${errors.map(({ message }) => message).join("; ")}`,
      errors,
    );
  }
  return transact(app, (tx) => {
    getProject(tx.db, projectId);
    putForge(tx, projectId, forge);
    tx.emit({
      type: "forge_changed",
      projectId,
      data: { forge: forgeNames[forge.kind], repository: forge.repository },
    });
    return forge;
  });
}

/** Nothing is pushed or asked any more. Throws `not_found` when the project names none. */
export function removeForge(app: App, projectId: string): ForgeSettings {
  return transact(app, (tx) => {
    const project = getProject(tx.db, projectId);
    const forge = findForge(tx.db, projectId);
    if (!forge) {
      throw new AppError("not_found", `Project "${project.name}" names no forge`);
    }
    deleteForge(tx, projectId);
    const data = { forge: forgeNames[forge.kind], repository: forge.repository };
    tx.emit({ type: "forge_removed", projectId, data });
    return forge;
  });
}

function problemsOf(
  { kind, apiUrl, repository, remoteUrl, token }: ForgeSettings,
): FieldError[] {
  const errors: FieldError[] = [];
  const add = (field: string, message: string | null) => {
    if (message !== null) errors.push({ field, message });
  };
  add("api_url", whyNoApi(apiUrl));
  add("repository", whyNoRepository(kind, repository));
  add("remote_url", whyNoRemote(remoteUrl));
  add(
    "token",
    /^\$[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(token)
      ? null
      : "Write $ and the name of a variable of Gaffer's environment, never the token itself",
  );
  return errors;
}

function whyNoApi(apiUrl: string): string | null {
  if (!URL.canParse(apiUrl)) return "Write the address of the forge's API, with https://";
  const { protocol, hostname, username, password, search, hash } = new URL(apiUrl);
  if (username || password) return "Leave user and password out: the token is in the variable";
  if (search || hash) return "Write the address without ? and #";
  if (protocol === "https:") return null;
  return protocol === "http:" && isThisMachine(hostname)
    ? null
    : "Over http anyone on the way reads the token: use https";
}

function whyNoRepository(kind: ForgeKind, repository: string): string | null {
  const parts = repository.split("/");
  const legal = parts.every((part) => /^[\w.][\w.-]*$/.test(part) && !/^\.+$/.test(part));
  if (kind === "gitlab") {
    return legal && (parts.length > 1 || /^\d+$/.test(repository))
      ? null
      : "Write the project's whole path, as group/name, or its number";
  }
  return legal && parts.length === 2 ? null : "Write it as owner/name";
}

/** Asks the forge for the repository; says its default branch. Throws `conflict` with what is wrong. */
export async function tryForge(
  app: App,
  projectId: string,
  signal: AbortSignal,
): Promise<{ forge: string; defaultBranch: string }> {
  const settings = findForge(app.db, getProject(app.db, projectId).id);
  if (!settings) throw new AppError("conflict", "Cannot try the forge: the project names none");
  const [{ openForge }, { ForgeError }] = await Promise.all([
    import("./forges/open.ts"),
    import("./forges/client.ts"),
  ]);
  const { forge } = openForge(settings, { nowMs: app.clock.nowMs });
  try {
    return { forge: forge.name, defaultBranch: await forge.defaultBranch(signal) };
  } catch (error) {
    if (error instanceof ForgeError) throw new AppError("conflict", error.message);
    throw error;
  }
}
