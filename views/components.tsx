/** Small parts that every page uses. Each is a function of data; colour never stands alone. */
import type { ComponentChildren, VNode } from "preact";
import { priorityNames } from "../server/states.ts";
import { duration, exactTime, money, relative } from "./format.ts";
import type { Shown, Tone } from "./words.ts";

/** A state as word, shape and colour. */
export function StatusBadge({ shown }: { shown: Shown }): VNode {
  return <span class={`badge tone-${shown.tone}`}>{shown.word}</span>;
}

/** An amount in micro-USD. What the demo model does costs nothing and says so. */
export function Money({ microUsd, demo = false }: { microUsd: number; demo?: boolean }): VNode {
  return demo
    ? <span class="num" title="The demo model costs nothing">$0 demo</span>
    : <span class="num">{money(microUsd)}</span>;
}

/** How long ago something was; the exact time is in the title. `at` is UTC text. */
export function Time({ at, nowMs }: { at: string; nowMs: number }): VNode {
  return (
    <time class="num" dateTime={at} title={exactTime(at)} data-relative="">
      {relative(Date.parse(at), nowMs)}
    </time>
  );
}

/** How long something has been going on; static/time.js keeps it counting. */
export function Elapsed({ since, nowMs }: { since: string; nowMs: number }): VNode {
  return (
    <time class="num" dateTime={since} title={`Since ${exactTime(since)}`} data-elapsed="">
      {duration(nowMs - Date.parse(since))}
    </time>
  );
}

/** How urgent something is, as bars and a word. */
export function Priority({ level }: { level: number }): VNode {
  const name = priorityNames[level] ?? "normal";
  return <span class={`priority priority-${name}`}>{capital(name)}</span>;
}

/** Marks what the demo model said or did. */
export function DemoMark(): VNode {
  return <span class="tag demo-mark">demo model</span>;
}

/** Marks a run from which nothing follows. */
export function TrialMark(): VNode {
  return <span class="tag">trial</span>;
}

/** A short fact in a frame of its own. */
export function Tag({ children }: { children: ComponentChildren }): VNode {
  return <span class="tag">{children}</span>;
}

interface ProgressProps {
  done: number;
  total: number;
  /** What is counted: "subtasks". */
  of: string;
}

/** `2 of 4 subtasks`, as text and as a bar. */
export function Progress({ done, total, of }: ProgressProps): VNode {
  const text = `${done} of ${total}`;
  return (
    <span class="progress">
      <progress value={done} max={Math.max(total, 1)} aria-label={`${text} ${of} done`} />
      <span class="num">{text}</span>
    </span>
  );
}

interface EmptyStateProps {
  /** What belongs here, in one sentence. */
  children: ComponentChildren;
  action?: { href: string; label: string };
}

/** What stands where nothing is yet. */
export function EmptyState({ children, action }: EmptyStateProps): VNode {
  return (
    <div class="empty">
      <p>{children}</p>
      {action && <a class="button" href={action.href}>{action.label}</a>}
    </div>
  );
}

interface PanelProps {
  /** Where live updates find it. */
  id: string;
  title: string;
  /** Beside the title: a count, a link. */
  aside?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

/** A named section with its heading. */
export function Panel({ id, title, aside, class: extra, children }: PanelProps): VNode {
  return (
    <section class={`panel${extra ? ` ${extra}` : ""}`} id={id} aria-labelledby={`${id}-title`}>
      <div class="panel-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

interface FactProps {
  name: string;
  /** It is a figure. */
  num?: boolean;
  title?: string;
  children: ComponentChildren;
}

/** A name with its value, in a `dl`: of a strip, of figures, of the facts column. */
export function Fact({ name, num = false, title, children }: FactProps): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd class={num ? "num" : undefined} title={title}>{children}</dd>
    </div>
  );
}

/** Name and value pairs of the facts column; those without a value are left out. */
export function Facts({ rows }: { rows: [string, ComponentChildren | null][] }): VNode {
  return (
    <dl class="facts">
      {rows.map(([name, value]) =>
        value === null ? null : <Fact key={name} name={name}>{value}</Fact>
      )}
    </dl>
  );
}

interface DataTableProps {
  /** What it is a table of, for screen readers. */
  label: string;
  /** Cells of its first row. */
  head: ComponentChildren;
  children: ComponentChildren;
}

/** A table of figures; what is wider than the page scrolls, also by keys. */
export function DataTable({ label, head, children }: DataTableProps): VNode {
  return (
    <div class="table-scroll" role="group" aria-label={label} tabIndex={0}>
      <table class="data-table num">
        <thead>
          <tr>{head}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

interface NoticeProps {
  tone: Tone;
  title: string;
  id?: string;
  children?: ComponentChildren;
}

/** Something a person should know before anything else on the page. */
export function Notice({ tone, title, id, children }: NoticeProps): VNode {
  return (
    <div class={`notice tone-${tone}`} id={id}>
      <p class="notice-title">{title}</p>
      {children}
    </div>
  );
}

/** Text for screen readers only. */
export function Hidden({ children }: { children: ComponentChildren }): VNode {
  return <span class="visually-hidden">{children}</span>;
}

/** "urgent" → "Urgent". */
export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
