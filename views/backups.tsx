/** The backups of the database: which there are, when the next is made, how one is restored. */
import type { VNode } from "preact";
import { Notice, Panel, StatusBadge, Time } from "./components.tsx";
import { megabytes } from "./format.ts";
import { ActionForm } from "./forms.tsx";

export interface BackupRow {
  name: string;
  kind: "daily" | "update" | "manual";
  madeAt: string;
  bytes: number;
}

export interface BackupsProps {
  nowMs: number;
  /** The newest first. */
  backups: BackupRow[];
  failure: { message: string; at: string } | null;
  /** 0: none by schedule. */
  everyHours: number;
  dataDir: string;
  /** Restores the newest one into this data folder. */
  restoreCommand: string;
}

const kindWords: Record<BackupRow["kind"], string> = {
  daily: "by schedule",
  update: "before an update",
  manual: "asked for",
};

export function Backups(props: BackupsProps): VNode {
  const { nowMs, backups, failure, everyHours, dataDir, restoreCommand } = props;
  const [newest] = backups;
  return (
    <Panel
      id="backups"
      title="Backups"
      aside={failure
        ? <StatusBadge shown={{ word: "Failed", tone: "failed" }} />
        : newest && <StatusBadge shown={{ word: "Good", tone: "done" }} />}
    >
      {failure && (
        <Notice tone="failed" title="The last backup could not be made">
          <p>{failure.message}</p>
          <p class="muted">
            Tried <Time at={failure.at} nowMs={nowMs} />.
            {everyHours > 0 && " It is tried again every hour."}
          </p>
        </Notice>
      )}
      <p>
        {everyHours === 0
          ? "Backups by schedule are switched off."
          : `The database is backed up ${
            everyHours === 24 ? "every day" : `every ${everyHours} hours`
          } and before each update, while Gaffer works; each copy is checked.`}
      </p>
      {backups.length === 0 ? <p class="muted">There is none yet.</p> : (
        <ul>
          {backups.map(({ name, kind, madeAt, bytes }) => (
            <li key={name}>
              <code class="path">{name}</code>{" "}
              <span class="muted">
                <Time at={madeAt} nowMs={nowMs} />, {megabytes(bytes)}, {kindWords[kind]}
              </span>
            </li>
          ))}
        </ul>
      )}
      <ActionForm action="/settings/back-up">Back up now</ActionForm>
      <p class="muted">
        They lie in{" "}
        <code class="path">{dataDir}/backups</code>. To go back to one, stop Gaffer and run{" "}
        <code class="path">{restoreCommand}</code>; what was there before is kept. Code is in your
        repositories.
      </p>
    </Panel>
  );
}
