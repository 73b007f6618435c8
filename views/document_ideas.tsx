/** What of a planning document can become ideas: chosen and reworded before any is made. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { PlanningDocument } from "../server/records.ts";
import type { IdeaStatus } from "../server/states.ts";
import { EmptyState, Panel, StatusBadge, Tag } from "./components.tsx";
import { plural } from "./format.ts";
import { Button, buttonClass, ErrorSummary, Field, fieldId } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { documentHref, ideaHref } from "./links.ts";
import { Inline } from "./inline.tsx";
import type { Shell } from "./shell.ts";
import { ideaWords } from "./words.ts";

/** An idea that there is already. */
export interface KnownIdeaRow {
  ideaId: string;
  number: number;
  title: string;
  status: IdeaStatus;
}

/** A part of the document. */
export interface OfferedRow {
  key: string;
  title: string;
  description: string;
  section: string;
  done: boolean | null;
  made: KnownIdeaRow | null;
  /** Ideas and tickets that it names. */
  references: { kind: "idea" | "ticket"; number: number }[];
  like: { idea: KnownIdeaRow; why: "reworded" | "same title" } | null;
}

/** What was refused, by field name, as posted. */
export interface RefusedIdeas {
  values: Record<string, string>;
  message: string;
  errors: FieldError[];
}

export interface DocumentIdeasPageProps {
  shell: Shell;
  document: PlanningDocument;
  rows: OfferedRow[];
  /** New ones for which this page has no room. */
  left: number;
  /** Lines that are looked at, as the address has them; "": the whole document, by its headings. */
  lines: string;
  /** What else can be looked at. */
  sections: { title: string; level: number; lines: string }[];
  refused: RefusedIdeas | null;
}

const FORM = "make-ideas";

export function DocumentIdeasPage(props: DocumentIdeasPageProps): VNode {
  const { shell, document, rows, left, refused } = props;
  const { id, title } = document;
  const fresh = rows.filter(({ made }) => made === null);
  return (
    <Layout shell={shell} title={`${title}, ideas`} current="planning" live={null}>
      <PageHead crumb={{ href: documentHref(id), label: title }} title="Make ideas" />
      <SectionChoice {...props} />
      {rows.length === 0
        ? (
          <EmptyState action={{ href: documentHref(id), label: "Back to the document" }}>
            Nothing here can become an idea by its headings. Below those that speak of requirements,
            user stories, use cases, features, milestones and the like, each list item, table row,
            section and “As a … I want …” counts; one with prose alone is an idea itself. Whatever
            the headings say, a selection works: mark lines of the document and press Make ideas
            there, or choose a section here.
          </EmptyState>
        )
        : (
          <form method="post" action={`${documentHref(id)}/ideas`} id={FORM} noValidate>
            <ErrorSummary
              form={FORM}
              message={refused?.message ?? null}
              errors={refused?.errors ?? []}
            />
            <input type="hidden" name="lines" value={props.lines} />
            <ol class="rows panel offered" id="offered">
              {rows.map((row, i) => <Row key={row.key} row={row} number={i + 1} {...props} />)}
            </ol>
            {left > 0 && (
              <p class="muted">{plural(left, "more")} will be shown once these are made.</p>
            )}
            {fresh.length > 0
              ? (
                <div class="panel">
                  <label class="option">
                    <input
                      type="checkbox"
                      name="refine"
                      value="1"
                      checked={refused?.values.refine === "1"}
                    />{" "}
                    Have agents refine them at once
                  </label>
                  <p class="hint">
                    Four runs of agents for each, which cost. Otherwise each waits until you press
                    Refine on its page.
                  </p>
                  <Button kind="primary">Make the ticked ideas</Button>
                </div>
              )
              : (
                <p class="muted">
                  All of it has been made already.{" "}
                  <a class={buttonClass("quiet")} href={documentHref(id)}>Back to the document</a>
                </p>
              )}
          </form>
        )}
    </Layout>
  );
}

function SectionChoice({ document, lines, sections }: DocumentIdeasPageProps): VNode | null {
  if (sections.length < 2 && lines === "") return null;
  const known = lines === "" || sections.some((section) => section.lines === lines);
  return (
    <form class="document-search" action={`${documentHref(document.id)}/ideas`} id="ideas-of">
      <label for="ideas-lines" class="visually-hidden">Part of the document</label>
      <select id="ideas-lines" name="lines">
        <option value="" selected={lines === ""}>The whole document, by its headings</option>
        {!known && <option value={lines} selected>Lines {lines.replace("-", " to ")}</option>}
        {sections.map((section) => (
          <option
            key={section.lines}
            value={section.lines}
            selected={section.lines === lines}
          >
            {"\u00a0".repeat(2 * (section.level - 1))}All of “{section.title || "Untitled"}”
          </option>
        ))}
      </select>
      <Button>Show</Button>
    </form>
  );
}

function Row(
  { row, number, refused }: { row: OfferedRow; number: number } & DocumentIdeasPageProps,
): VNode {
  const { title, section, made, like, done, references } = row;
  const note = (
    <p class="row-note">
      {section && <Tag>{section}</Tag>} {done && <Tag>done already</Tag>}
      {references.length > 0 && made === null && (
        <>names {references.map(({ kind, number }) => `#${kind}-${number}`).join(", ")}</>
      )}
      {like && (
        <>
          {" "}
          {like.why === "reworded" ? "Reworded? There is " : "The same title has "}
          <a href={ideaHref(like.idea.ideaId)}>idea #{like.idea.number}</a>: {like.idea.title}
        </>
      )}
    </p>
  );
  if (made !== null) {
    return (
      <li class="row" data-row="">
        <StatusBadge shown={ideaWords[made.status]} />
        <div class="row-main">
          <a class="row-title" href={ideaHref(made.ideaId)}>
            Idea #{made.number} <Inline text={made.title} />
          </a>
          {note}
        </div>
        <span class="row-fact">made before</span>
      </li>
    );
  }
  const name = (field: string) => `${field}_${number}`;
  // The document may have other parts by now.
  const posted = refused ? placeIn(refused.values, row.key) : null;
  const typed = (field: string) => posted === null ? null : refused!.values[`${field}_${posted}`];
  const value = (field: string, own: string) => typed(field) ?? own;
  const isChosen = posted === null
    ? !done && like === null && references.length === 0
    : typed("pick") === "1";
  const isWrong = refused?.errors.some(({ field }) => field.endsWith(`_${number}`));
  return (
    <li class="row" data-row="">
      <div class="row-main">
        <input type="hidden" name={name("key")} value={row.key} />
        <label class="option">
          <input
            type="checkbox"
            name={name("pick")}
            id={fieldId(FORM, name("pick"))}
            value="1"
            checked={isChosen}
          />{" "}
          <span class="row-title">
            <Inline text={title} />
          </span>
        </label>
        {note}
        <details id={`reword-${number}`} open={isWrong}>
          <summary>Reword</summary>
          <Field
            form={FORM}
            name={name("title")}
            label="Title"
            value={value("title", title)}
            errors={refused?.errors}
            maxLength={200}
            required
          />
          <Field
            form={FORM}
            name={name("description")}
            kind="area"
            rows={4}
            label="Description"
            value={value("description", row.description)}
            errors={refused?.errors}
          />
        </details>
      </div>
    </li>
  );
}

function placeIn(values: Record<string, string>, key: string): string | null {
  const found = Object.entries(values).find(([name, value]) => /^key_/.test(name) && value === key);
  return found ? found[0].slice("key_".length) : null;
}

/** Ideas that were made of a document, on its page; `#document-ideas`. */
export function DocumentIdeasPanel({ rows }: { rows: KnownIdeaRow[] }): VNode {
  if (rows.length === 0) return <div id="document-ideas" class="if-any" />;
  return (
    <Panel id="document-ideas" title="Ideas made of it">
      <ul class="plain-list">
        {rows.map(({ ideaId, number, title, status }) => (
          <li key={ideaId}>
            <StatusBadge shown={ideaWords[status]} />{" "}
            <a href={ideaHref(ideaId)}>#{number} {title}</a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
