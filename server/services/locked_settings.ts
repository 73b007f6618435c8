/** Settings of a project that its repository's file holds: they are changed there, and nowhere else. */
import type { Db } from "../db.ts";
import { AppError } from "../errors.ts";
import { type CommandName, commandNames, type Project, PROJECT_CONFIG } from "../records.ts";
import { lockedSettings } from "../store/project_config.ts";

interface Changed {
  /** As the file's settings are named. */
  key: string;
  /** What it is called where it was sent from. */
  field: string;
}

/** Throws `conflict` where a change of the project is one of what the file holds. */
export function requireProjectUnlocked(
  db: Db,
  { id, commands, localFiles }: Project,
  changes: { commands?: Partial<Record<CommandName, string>>; localFiles?: string[] },
): void {
  const changed: Changed[] = commandNames.filter((name) => {
    const text = changes.commands?.[name];
    const now = commands.find((command) => command.name === name)?.command ?? "";
    return text !== undefined && text.trim() !== now;
  }).map((name) => ({ key: name, field: `commands.${name}` }));
  if (changes.localFiles && changes.localFiles.join("\n") !== localFiles.join("\n")) {
    changed.push({ key: "localFiles", field: "local_files" });
  }
  requireUnlocked(db, id, "change the project", changed);
}

/** The same of its checks. `changed`: as the history names what changed. */
export function requireRulesUnlocked(
  db: Db,
  projectId: string,
  changed: readonly string[],
): void {
  const snake = (name: string) =>
    name === "timeoutMs"
      ? "timeout_seconds"
      : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  requireUnlocked(
    db,
    projectId,
    "change the checks",
    changed.map((key) => {
      const [command, rule] = key.split(".");
      const field = rule === undefined ? snake(key) : `commands.${command}.${snake(rule)}`;
      return { key, field };
    }),
  );
}

function requireUnlocked(
  db: Db,
  projectId: string,
  doing: string,
  changed: readonly Changed[],
): void {
  if (changed.length === 0) return;
  const locked = lockedSettings(db, projectId);
  const found = changed.find(({ key }) => locked[key] !== undefined);
  if (!found) return;
  const message = `${PROJECT_CONFIG} sets it in line ${
    locked[found.key]
  }. Change it there, or do without the file`;
  throw new AppError("conflict", `Cannot ${doing}: ${message}`, [{ field: found.field, message }]);
}
