/** Settings: which model answers, how agents are confined, where the data is. */
import type { VNode } from "preact";
import type { Quirk } from "../agents/protocol.ts";
import type { FailureReason } from "../server/states.ts";
import { failureReasons } from "../server/states.ts";
import { type BackupRow, Backups, type BackupsProps } from "./backups.tsx";
import { Facts, Notice, Panel, StatusBadge, Time } from "./components.tsx";
import { count, plural } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import { failureWords } from "./words.ts";

export interface SettingsPageProps {
  shell: Shell;
  live: Live;
  model: { kind: "demo" } | { kind: "endpoint"; baseUrl: string };
  /** What the endpoint turned out not to take, and what Gaffer does without. */
  lacking: readonly Quirk[];
  /** Since when the agents are held; null: they are not. */
  held: { reason: FailureReason; message: string; since: string } | null;
  /** Runs whose loop works right now, and how many may at once. */
  active: number;
  maxRuns: number;
  version: string;
  dataDir: string;
  /** Whose days limits and sums go by. */
  timeZone: string;
  /** The newest first. */
  backups: BackupRow[];
  backupFailure: BackupsProps["failure"];
  backupEveryHours: number;
  restoreCommand: string;
}

export function SettingsPage(props: SettingsPageProps): VNode {
  return (
    <Layout shell={props.shell} title="Settings" current="settings" live={props.live}>
      <PageHead title="Settings" />
      <AgentsState {...props} />
      <Model {...props} />
      <Confined {...props} />
      <BackedUp {...props} />
      <Keys />
      <Panel id="about" title="This installation">
        <Facts
          rows={[
            ["Version", props.version],
            ["Data folder", <code class="path" key="d">{props.dataDir}</code>],
            ["Days of limits and usage", `${props.timeZone} (timezone)`],
          ]}
        />
        <p class="muted">
          Everything is in that folder: one database, its backups, the worktrees, the outputs.
        </p>
      </Panel>
    </Layout>
  );
}

/** What may have changed, for its stream. */
export function settingsPartials(props: SettingsPageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "settings", title: "Settings", status })}
      {replace("agents-status", <AgentsState {...props} />)}
      {replace("backups", <BackedUp {...props} />)}
    </>
  );
}

function AgentsState({ shell, held, active, maxRuns }: SettingsPageProps): VNode {
  const state = shell.refused !== null
    ? { word: "Refused", tone: "failed" as const }
    : held
    ? { word: "Held", tone: "failed" as const }
    : { word: active > 0 ? "Working" : "Ready", tone: "done" as const };
  return (
    <Panel id="agents-status" title="Agents" aside={<StatusBadge shown={state} />}>
      <p>
        {plural(active, "run")} at work; {count(maxRuns)} may work at the same time.{" "}
        <a href="/memory">What agents remember</a>
      </p>
      {shell.refused !== null && (
        <Notice tone="failed" title="No agent runs">
          <p>{shell.refused}</p>
          <p>
            At its start Gaffer tries what agents must not be able to do. None is started before it
            has seen all of that fail. Mend what is named, then start Gaffer again.
          </p>
        </Notice>
      )}
      {held && (
        <Notice tone="failed" title={`Held: ${failureWords[held.reason].toLowerCase()}`}>
          <p>{held.message}</p>
          <p>{failureReasons[held.reason].mend}</p>
          <p class="muted">
            Since{" "}
            <Time at={held.since} nowMs={shell.nowMs} />. Every run would fail alike; they wait and
            lose nothing.
          </p>
          <ActionForm action="/settings/resume-agents" kind="primary">Resume the agents</ActionForm>
        </Notice>
      )}
    </Panel>
  );
}

function BackedUp(props: SettingsPageProps): VNode {
  return (
    <Backups
      nowMs={props.shell.nowMs}
      backups={props.backups}
      failure={props.backupFailure}
      everyHours={props.backupEveryHours}
      dataDir={props.dataDir}
      restoreCommand={props.restoreCommand}
    />
  );
}

/** What it means for a person that the endpoint lacks something. */
const quirkWords: Partial<Record<Quirk, string>> = {
  cache_control: "prompt caching, so each turn of a run pays for all of its history anew",
  compaction: "summaries of its own, so the model itself is asked for one where a run gets long",
};

function Model({ model, lacking }: SettingsPageProps): VNode {
  return (
    <Panel id="model" title="Model">
      {model.kind === "demo"
        ? (
          <>
            <p>
              The <strong>demo model</strong>{" "}
              answers: free, deterministic, inside Gaffer. It can implement only the sample's ideas;
              for yours it asks and plans, and then blocks.
            </p>
            <h3>Use a real model</h3>
            <p>Set a key in the environment, then start Gaffer again:</p>
            <pre class="output">ANTHROPIC_API_KEY=sk-ant-… gaffer</pre>
          </>
        )
        : (
          <>
            <p>
              Requests go to <code class="path">{model.baseUrl}</code> with the key of{" "}
              <code>ANTHROPIC_API_KEY</code>. The key stays in memory: it is never logged, stored or
              shown.
            </p>
            {lacking.map((quirk) => (
              <p key={quirk} id={`lacks-${quirk}`}>
                It does not take{" "}
                {quirkWords[quirk] ?? quirk}. It is asked again after a day, when Gaffer starts.
              </p>
            ))}
          </>
        )}
      <p class="muted">
        Any endpoint that speaks the Claude Messages API works: set <code>ANTHROPIC_BASE_URL</code>
        {" "}
        too.
      </p>
    </Panel>
  );
}

const installBubblewrap = `sudo apt-get install bubblewrap    # Debian, Ubuntu
sudo dnf install bubblewrap        # Fedora
sudo pacman -S bubblewrap          # Arch`;

function Confined({ shell }: SettingsPageProps): VNode {
  const { kind, hint } = shell.confinement;
  const sandboxed = kind === "bubblewrap";
  return (
    <Panel
      id="confinement"
      title="Confinement"
      aside={
        <StatusBadge
          shown={sandboxed
            ? { word: "Sandbox", tone: "done" }
            : { word: "No sandbox", tone: "waiting" }}
        />
      }
    >
      {sandboxed
        ? (
          <p>
            Tools and commands run in bubblewrap: one folder to write in, no network, no key, a
            scrubbed environment. Only a project's setup command has the network, where the
            project's settings say so; hosts that an agent's definition or a project's settings name
            are reached through a proxy.
          </p>
        )
        : (
          <>
            <p>
              Tools run in a process of their own that gave up its rights. Commands that a model
              wrote wait for your approval, and a project's own commands run once you have allowed
              it in the project's settings.
            </p>
            <h3>Get bubblewrap</h3>
            <p>Install it, then start Gaffer again:</p>
            <pre class="output">{installBubblewrap}</pre>
          </>
        )}
      {hint !== "" && <p class="muted">{hint}</p>}
    </Panel>
  );
}

/** Single keys can be switched off; static/keys.js keeps the choice in the browser. */
function Keys(): VNode {
  return (
    <Panel id="keys" title="Keys" class="js-only">
      <label class="option">
        <input type="checkbox" data-keys-switch="" id="keys-switch" checked />
        <span>
          Single keys do things (press <kbd>?</kbd> to see them)
        </span>
      </label>
      <p class="hint">Kept in this browser. Keys are always off while you type.</p>
    </Panel>
  );
}
