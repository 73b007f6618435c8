/** The form that edits a document: kept as a draft while somebody types, with its preview, and what others changed. */
import type { VNode } from "preact";
import type { PlanningDocument } from "../server/records.ts";
import { Notice, Time } from "./components.tsx";
import { DocumentProse, HeadingList } from "./document.tsx";
import type { DocumentHeading } from "./document_headings.ts";
import {
  type DocumentForm,
  type DocumentMeetingShown,
  FORM,
  FormMarks,
  Meeting,
  OtherDraft,
  type OtherDraftShown,
} from "./document_meeting.tsx";
import { count } from "./format.ts";
import { Button, buttonClass, ErrorSummary, Field, fieldId } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { documentHref, draftsHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { PlanningProject } from "./planning.tsx";
import { documentSavesWords } from "./planning_words.ts";
import type { Shell } from "./shell.ts";

/** What follows the typing: whether it was kept, and how it looks. */
export interface DocumentLive {
  documentId: string;
  /** Names the form whose draft it is. */
  form: string;
  /** When this person last typed something else in another form; null: they did not. */
  otherAt: string | null;
  /** When the draft was kept; null: there is none. */
  draftAt: string | null;
  /** Project of the document, which is gone; null: it is there. */
  goneFrom: string | null;
  /** Why it could not be kept; null: it was, or nothing was typed. */
  problem: string | null;
  /** From `renderDocument`. */
  html: string;
  headings: DocumentHeading[];
  nowMs: number;
}

export interface DocumentEditPageProps {
  shell: Shell;
  project: PlanningProject;
  document: PlanningDocument;
  limits: { bytes: number; imageBytes: number };
  form: DocumentForm;
  /** What follows the typing. */
  typed: DocumentLive;
  /** The newest first. */
  others: OtherDraftShown[];
  meeting: DocumentMeetingShown | null;
  live: Live | null;
}

export function DocumentEditPage(props: DocumentEditPageProps): VNode {
  const { shell, project, document, limits, form, typed, others, meeting, live } = props;
  const { id, title } = document;
  return (
    <Layout shell={shell} title={`Edit ${title}`} current="planning" live={live}>
      <PageHead crumb={{ href: documentHref(id), label: title }} title={`Edit ${title}`} />
      {meeting && <Meeting id={id} meeting={meeting} form={form} nowMs={shell.nowMs} />}
      {others.map((other) => (
        <OtherDraft key={other.form} id={id} other={other} nowMs={shell.nowMs} />
      ))}
      <div class="editor">
        <form
          method="post"
          action={`${documentHref(id)}/edit`}
          id={FORM}
          class="panel document-form"
          data-editor={id}
          data-colours={shell.asset("markdown_colours.js")}
          hx-post={`${documentHref(id)}/draft`}
          hx-trigger={`input throttle:700ms from:#${fieldId(FORM, "text")}`}
          hx-target="#document-live"
          hx-select="#document-live"
          hx-swap="outerMorph show:none"
          hx-sync="queue last"
          {...{ "hx-status:4xx": "swap:none" }}
        >
          <ErrorSummary form={FORM} message={form.message} errors={form.errors} />
          <DocumentOutside id={id} projectId={project.id} what={null} />
          <FormMarks form={form} seen={form.seen} />
          <WritingBar />
          <Field
            form={FORM}
            name="text"
            kind="area"
            rows={24}
            label="Text"
            hint={`Markdown, at most ${count(limits.bytes / 1024)} KB. ${
              documentSavesWords(project.saves, project.baseBranch)
            }.`}
            value={form.text}
            errors={form.errors}
            mono
          />
          <ImageField id={id} limits={limits} />
          <div class="actions">
            <Button kind="primary" keys="Control+Enter">Save</Button>
            <Button formAction={`${documentHref(id)}/draft`}>Keep as a draft</Button>
            <a class={buttonClass("quiet")} href={documentHref(id)} data-key="Escape">Leave</a>
            <button type="button" class={buttonClass("quiet")} data-colours-switch="" hidden>
              Colours
            </button>
          </div>
        </form>
        <DocumentLiveParts {...typed} />
      </div>
    </Layout>
  );
}

/** What static/writing.js does; without scripts it stays hidden, and the text is all there is. */
function WritingBar(): VNode {
  return (
    <div class="writing" role="toolbar" aria-label="Write" data-writing="" hidden>
      {writes.map(({ what, label, keys, shown }) => (
        <button
          key={what}
          type="button"
          class={buttonClass("quiet")}
          aria-label={label}
          title={keys ? `${label} (${keys.replace("Control+", "Ctrl ").toUpperCase()})` : label}
          data-write={what}
        >
          {shown}
        </button>
      ))}
      <p class="hint">Tab indents lists · Esc leaves the text · Ctrl S saves</p>
    </div>
  );
}

const writes: { what: string; label: string; shown: VNode | string; keys?: string }[] = [
  { what: "bold", label: "Bold", shown: <b>B</b>, keys: "Control+b" },
  { what: "italic", label: "Italic", shown: <i>I</i>, keys: "Control+i" },
  { what: "heading", label: "Heading", shown: "H" },
  { what: "list", label: "List", shown: "•" },
  { what: "numbers", label: "List with 1.", shown: "1." },
  { what: "checklist", label: "Checklist", shown: "☐" },
  { what: "quote", label: "Quote", shown: "❝" },
  { what: "code", label: "Code", shown: <code>{"<>"}</code> },
  { what: "link", label: "Link", shown: "Link", keys: "Control+k" },
  { what: "table", label: "Table", shown: "Table" },
];

/** With scripts a chosen file is put in where the caret is; without, a button puts it at the end of the draft. */
function ImageField(
  { id, limits: { imageBytes } }: { id: string } & Pick<DocumentEditPageProps, "limits">,
): VNode {
  const field = fieldId(FORM, "image");
  return (
    <div class="field" id="document-image">
      <label for={field}>
        Add an image <span class="optional">optional</span>
      </label>
      <p class="hint" id={`${field}-hint`}>
        PNG, JPEG, GIF or WebP, at most {imageBytes / 1024 / 1024}{" "}
        MB; kept in planning/images/. It can also be pasted or dropped into the text.
      </p>
      <input
        id={field}
        name="image"
        type="file"
        accept="image/png,image/jpeg,image/gif,image/webp"
        aria-describedby={`${field}-hint`}
        data-upload={`${documentHref(id)}/images`}
      />
      <noscript>
        <button
          type="submit"
          class={buttonClass("plain")}
          formaction={`${documentHref(id)}/images`}
          formenctype="multipart/form-data"
        >
          Add the image
        </button>
      </noscript>
      <p class="error" role="alert" data-upload-problem="" hidden></p>
    </div>
  );
}

/** `#document-live`: sent again each time a draft is kept. */
export function DocumentLiveParts(props: DocumentLive): VNode {
  const { documentId, form, draftAt, otherAt, goneFrom, problem, html, headings, nowMs } = props;
  return (
    <div class="panel document-live" id="document-live">
      {goneFrom && (
        <p class="error">
          The document was deleted meanwhile.{" "}
          <a href={draftsHref(goneFrom)}>Save what you type from your drafts</a>
        </p>
      )}
      {problem
        ? <p class="error">{problem}</p>
        : draftAt && (
          <form method="post" action={`${documentHref(documentId)}/discard`} class="draft-state">
            <p>
              Draft kept <Time at={draftAt} nowMs={nowMs} />, not saved.
            </p>
            <input type="hidden" name="typed_in" value={form} />
            <Button kind="quiet">Discard the draft</Button>
          </form>
        )}
      {otherAt && !goneFrom && (
        <p class="draft-state" id="document-other-draft">
          <span>
            You typed something else in another window, <Time at={otherAt} nowMs={nowMs} />.
          </span>
          <Button form={FORM} formAction={`${documentHref(documentId)}/draft`} kind="quiet">
            Show both
          </Button>
        </p>
      )}
      {headings.length > 1 && (
        <details id="document-outline">
          <summary data-key="o">Outline</summary>
          <HeadingList headings={headings} />
        </details>
      )}
      <details open id="document-preview">
        <summary data-key="v">Preview</summary>
        <DocumentProse html={html} />
      </details>
    </div>
  );
}

export interface DocumentOutsideProps {
  id: string;
  projectId: string;
  /** What happened to the file after the form was opened; null: nothing. */
  what: "changed" | "deleted" | null;
}

const outsideWords = {
  changed: "The file was changed after you opened it",
  deleted: "The document was deleted after you opened it",
};

/** `#document-outside`: said while somebody types. */
export function DocumentOutside({ id, projectId, what }: DocumentOutsideProps): VNode {
  return (
    <div id="document-outside">
      {what === "changed" && (
        <Notice tone="waiting" title={outsideWords.changed} id="document-other">
          <p>Your text stays as it is, and is kept as a draft.</p>
          <Button formAction={`${documentHref(id)}/draft`}>Show both</Button>
        </Notice>
      )}
      {what === "deleted" && (
        <Notice
          tone="waiting"
          title="The document was deleted after you opened it"
          id="document-gone"
        >
          <p>
            Your text stays as it is; what you type is kept under{" "}
            <a href={draftsHref(projectId)}>your drafts</a>.
          </p>
        </Notice>
      )}
    </div>
  );
}

/** The form after something around it was changed; what is typed stays. */
export function documentEditPartials(
  { shell, title, ...outside }: DocumentOutsideProps & Pick<DocumentEditPageProps, "shell"> & {
    title: string;
  },
): VNode {
  return (
    <>
      {framePartials({
        ...{ shell, current: "planning", title: `Edit ${title}` },
        status: outside.what ? outsideWords[outside.what] : undefined,
      })}
      {replace("document-outside", <DocumentOutside {...outside} />)}
    </>
  );
}
