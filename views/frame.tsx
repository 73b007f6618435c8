/** What stands around every page: top bar, navigation, banners, flash message. */
import type { VNode } from "preact";
import { machineFaults } from "../server/machine_fault.ts";
import { failureReasons } from "../server/states.ts";
import { Hidden } from "./components.tsx";
import { sentence } from "./format.ts";
import { ActionForm, Button, buttonClass } from "./forms.tsx";
import { withQuery } from "./links.ts";
import type { Flash, NavName, Shell } from "./shell.ts";
import { failureWords } from "./words.ts";

interface NavEntry {
  name: NavName;
  label: string;
  href: string;
  /** Key sequence. */
  keys: string;
  /** In the bottom bar of a phone; the others are behind "More". */
  first: boolean;
}

const entries: NavEntry[] = [
  { name: "home", label: "Home", href: "/", keys: "g h", first: true },
  { name: "ideas", label: "Ideas", href: "/ideas", keys: "g i", first: true },
  { name: "development", label: "Development", href: "/development", keys: "g q", first: true },
  { name: "planning", label: "Planning", href: "/planning", keys: "g p", first: true },
  { name: "runs", label: "Runs", href: "/runs", keys: "g r", first: false },
  { name: "agents", label: "Agents", href: "/agents", keys: "g a", first: false },
  { name: "jobs", label: "Jobs", href: "/jobs", keys: "g j", first: false },
  { name: "usage", label: "Usage", href: "/usage", keys: "g u", first: false },
  { name: "projects", label: "Projects", href: "/projects", keys: "g o", first: false },
  { name: "settings", label: "Settings", href: "/settings", keys: "g s", first: false },
];

interface NavProps {
  shell: Shell;
  current: NavName | null;
}

/** Side navigation, icon rail or bottom bar, by the width; `#nav`. */
export function Nav({ shell, current }: NavProps): VNode {
  const counts: Partial<Record<NavName, number>> = {
    home: shell.counts.needs,
    ideas: shell.counts.ideas,
    development: shell.counts.development,
    planning: shell.counts.planning,
  };
  const more = entries.filter((entry) => !entry.first);
  return (
    <nav class="nav" id="nav" aria-label="Pages">
      <ul>
        {entries.map((entry) => (
          <li key={entry.name} class={entry.first ? undefined : "nav-further"}>
            <NavLink entry={entry} current={current} count={counts[entry.name] ?? 0} />
          </li>
        ))}
        <li class="nav-more">
          <details name="menu" id="nav-more">
            <summary class="nav-link icon-more">More</summary>
            <ul class="menu">
              {more.map((entry) => (
                <li key={entry.name}>
                  <a href={entry.href} aria-current={entry.name === current ? "page" : undefined}>
                    {entry.label}
                  </a>
                </li>
              ))}
            </ul>
          </details>
        </li>
      </ul>
    </nav>
  );
}

function NavLink(props: { entry: NavEntry; current: NavName | null; count: number }): VNode {
  const { entry, current, count } = props;
  return (
    <a
      class={`nav-link icon-${entry.name}`}
      href={entry.href}
      data-key={entry.keys}
      aria-current={entry.name === current ? "page" : undefined}
    >
      <span class="nav-label">{entry.label}</span>
      {count > 0 && (
        <span class="count num">
          {count}
          <Hidden>waiting for you</Hidden>
        </span>
      )}
    </a>
  );
}

/** Name, project switch, search, new idea. */
export function TopBar({ shell, current }: NavProps): VNode {
  return (
    <header class="top">
      <a class="wordmark" href="/">Gaffer</a>
      {shell.projects.length > 0 && <ProjectSwitch shell={shell} current={current} />}
      {!searching.includes(current) && shell.projects.length > 0 && (
        <Search projectId={shell.projectId} />
      )}
      {shell.projects.length > 0 && (
        <a class={`${buttonClass("primary")} new-idea`} href="/ideas#new-idea" data-key="c">
          New idea
        </a>
      )}
    </header>
  );
}

/** These pages have a search of their own. */
const searching: readonly (NavName | null)[] = ["ideas", "planning"];

function Search({ projectId }: { projectId: string | null }): VNode {
  return (
    <form class="search" action="/ideas" role="search">
      {projectId && <input type="hidden" name="project" value={projectId} />}
      <label for="search-all" class="visually-hidden">Search ideas</label>
      <input
        id="search-all"
        name="q"
        type="search"
        placeholder="Search ideas"
        autocomplete="off"
        data-key="/"
      />
      <button type="submit" class="visually-hidden">Search</button>
    </form>
  );
}

/** Pages that can be narrowed to one project; the switch stays on them and leads to Ideas elsewhere. */
const narrowable: readonly (NavName | null)[] = ["ideas", "development", "planning", "runs"];

function ProjectSwitch({ shell, current }: NavProps): VNode {
  const page = narrowable.includes(current) ? `/${current}` : "/ideas";
  const chosen = shell.projects.find((project) => project.id === shell.projectId);
  const choices = [{ id: "", name: "All projects" }, ...shell.projects];
  return (
    <details name="menu" class="switch" id="project-switch">
      <summary class={buttonClass("quiet")}>
        <Hidden>Project:</Hidden>
        <span class="switch-name">{chosen?.name ?? "All projects"}</span>
      </summary>
      <ul class="menu">
        {choices.map(({ id, name }) => (
          <li key={id}>
            <a
              href={withQuery(page, { project: id })}
              aria-current={id === (shell.projectId ?? "") ? "true" : undefined}
            >
              {name}
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What holds for the whole installation right now; `#banners`. */
export function Banners({ shell }: { shell: Shell }): VNode {
  const { storage, held, alerts, paused, refused, exposedAt, demo, confinement } = shell;
  return (
    <div id="banners" class="banners">
      {storage !== null && (
        <div class="banner tone-failed" id="storage-fault">
          <p>
            <strong>Nothing can be saved: {machineFaults[storage.kind].what}.</strong>{" "}
            {machineFaults[storage.kind].mend}.
            {storage.kind !== "damaged" && " Nothing that was saved is lost; the queue waits."}
          </p>
        </div>
      )}
      {refused !== null && (
        <div class="banner tone-failed">
          <p>
            <strong>No agent runs:</strong> {refused.replace(/^Agents do not run: /, "")}.{" "}
            <a href="/settings#agents-status">What to do</a>
          </p>
        </div>
      )}
      {held !== null && (
        <div class="banner tone-failed">
          <p>
            <strong>The agents are held: {failureWords[held.reason].toLowerCase()}.</strong>{" "}
            {sentence(held.message)} {failureReasons[held.reason].mend}{" "}
            Nothing is lost; the runs wait.
          </p>
          <ActionForm action="/settings/resume-agents">Resume the agents</ActionForm>
        </div>
      )}
      {alerts.map(({ id, threshold, limit, parts }) => (
        <div class="banner tone-waiting" id={`banner-${id}`} key={id}>
          <p>
            <strong>{threshold} % of {limit} is used.</strong> {parts && `Then: ${parts}. `}
            What has no room in it waits, and goes on by itself.{" "}
            <a href="/usage#limits">See the limits</a>
          </p>
          <ActionForm
            action={`/usage/alerts/${id}/seen`}
            label={`Seen: ${threshold} % of ${limit}`}
          >
            Seen
          </ActionForm>
        </div>
      ))}
      {paused.map(({ queue, by }) => (
        <div class="banner tone-waiting" id={`paused-${queue}`} key={queue}>
          <p>
            <strong>Queue {queue} is paused by {by}.</strong>{" "}
            What runs goes on; nothing new begins until somebody resumes it.
          </p>
          <ActionForm action={`/queues/${queue}/resume`} label={`Resume the queue ${queue}`}>
            Resume
          </ActionForm>
        </div>
      ))}
      {exposedAt !== null && (
        <div class="banner tone-waiting" id="exposed">
          <p>
            <strong>Other machines can reach this without a password.</strong> It listens on{" "}
            <code>{exposedAt}</code>: whoever gets there can do all that you can. Start it with{" "}
            <code>--host 127.0.0.1</code> unless only those you trust do.
          </p>
        </div>
      )}
      {demo && (
        <div class="banner banner-quiet">
          <p>
            <strong>Demo model:</strong> free, and it can implement only the sample's ideas.{" "}
            <a href="/settings#model">Add a key for your own</a>
          </p>
        </div>
      )}
      {confinement.kind === "process" && (
        <div class="banner banner-quiet">
          <p>
            <strong>No sandbox:</strong> commands that a model wrote wait for your approval.{" "}
            <a href="/settings#confinement">Get bubblewrap</a>
          </p>
        </div>
      )}
    </div>
  );
}

/** A longer message takes more than two lines of the narrowest page. */
const FLASH_SHORT_CHARS = 60;

/** What the last action did, with its undo; static/toast.js reads it out. */
export function FlashMessage({ flash }: { flash: Flash | null }): VNode | null {
  if (flash === null) return null;
  const length = flash.text.length > FLASH_SHORT_CHARS ? " is-long" : "";
  return (
    <div id="flash" class={`flash tone-${flash.tone}${length}`} data-flash="" data-at={flash.at}>
      <p>{flash.text}</p>
      {flash.undo && (
        <form method="post" action={flash.undo.action} class="action-form">
          <Button kind="quiet" keys="z">{flash.undo.label}</Button>
        </form>
      )}
    </div>
  );
}
