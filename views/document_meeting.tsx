/** What is typed into a document, beside what its file says meanwhile and what the same person typed elsewhere. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { PlainDiff } from "./activity_call.tsx";
import { Notice, Time } from "./components.tsx";
import { plural } from "./format.ts";
import { Button, Field } from "./forms.tsx";
import { documentHref, idPart } from "./links.ts";

/** Id of the form of a document. */
export const FORM = "document-form";

/** What the form of a document holds, and what was wrong with it. */
export interface DocumentForm {
  text: string;
  /** Version of the text that is edited. */
  seen: string;
  /** The file ends its lines with CR and LF. */
  crlf: boolean;
  /** Names this form, and the draft that it began with. */
  typed: { form: string; from: string };
  message: string | null;
  errors: FieldError[];
}

/** What this person typed into the document in another window or on another device. */
export interface OtherDraftShown {
  /** Names the form in which it was typed. */
  form: string;
  text: string;
  updatedAt: string;
  /** From what the form says to it, unified; null: too far apart. */
  diff: string | null;
}

/** What the file says now, where it was changed after it was opened. */
export interface DocumentMeetingShown {
  present: string;
  /** Who changed it last, and when; `by` null: somebody, and then it was noticed. */
  changed: { by: string | null; at: string };
  /** Version of it. */
  version: string;
  /** What was changed in the file meanwhile, unified; null: nobody knows what both began with. */
  theirs: string | null;
  /** What this person changed; null as above. */
  mine: string | null;
  /** Both together, for a person to look at; null: they can't be put together. */
  merged: { text: string; conflicts: number } | null;
  /** Names the form of that, and the draft whose words are in it: what is typed meanwhile is not. */
  mergedIn: DocumentForm["typed"];
}

/** Hidden: what is typed, into what, and where. A field called "form" would hide what scripts know by that name. */
export function FormMarks({ form, seen }: { form: DocumentForm; seen: string }): VNode {
  const { crlf, typed } = form;
  return (
    <>
      <input type="hidden" name="seen" value={seen} />
      {crlf && <input type="hidden" name="crlf" value="1" />}
      <input type="hidden" name="typed_in" value={typed.form} />
      <input type="hidden" name="typed_from" value={typed.from} />
    </>
  );
}

/** Both texts stay until this person says which: going on with the other one keeps what is in the form. */
export function OtherDraft(
  { id, other, nowMs }: { id: string; other: OtherDraftShown; nowMs: number },
): VNode {
  const { form, text, updatedAt, diff } = other;
  const part = `other-draft-${idPart(form)}`;
  const goOn = `${documentHref(id)}/draft?other=${encodeURIComponent(form)}`; // a form may have no name
  return (
    <Notice tone="waiting" title="You typed something else in another window" id={part}>
      <p>
        Changed{" "}
        <Time at={updatedAt} nowMs={nowMs} />. Both texts are kept: the one in the form below, and
        this one.
      </p>
      <div class="meeting">
        {diff && (
          <details open>
            <summary>From the text in the form to the other one</summary>
            <PlainDiff diff={diff} whole />
          </details>
        )}
        <details>
          <summary>All of the other text</summary>
          <pre
            class="output"
            tabIndex={0}
            aria-label="What you typed in another window"
          >{text}</pre>
        </details>
        <form method="post" action={`${documentHref(id)}/discard`}>
          <input type="hidden" name="typed_in" value={form} />
          <Button form={FORM} formAction={goOn}>Go on with the other one</Button>
          <Button kind="quiet">Discard the other one</Button>
        </form>
      </div>
    </Notice>
  );
}

/** Both texts, where the file was changed after it was opened. */
export function Meeting(
  { id, meeting, form: typing, nowMs }: {
    id: string;
    meeting: DocumentMeetingShown;
    form: DocumentForm;
    nowMs: number;
  },
): VNode {
  const { present, changed, version, theirs, mine, merged, mergedIn } = meeting;
  const form = "document-merged";
  return (
    <Notice tone="waiting" title="The file was changed after you opened it" id="document-meeting">
      <p>
        {changed.by === null ? "Noticed" : `Changed by ${changed.by}`}{" "}
        <Time at={changed.at} nowMs={nowMs} />. Your text stands below as you typed it. Saving it
        puts it in the place of what the file says now.
      </p>
      <div class="meeting">
        <details>
          <summary>What was changed in the file</summary>
          {theirs === null
            ? <p class="muted">What you opened is not known any more.</p>
            : <PlainDiff diff={theirs} whole />}
        </details>
        <details>
          <summary>What you changed</summary>
          {mine === null
            ? <p class="muted">What you opened is not known any more.</p>
            : <PlainDiff diff={mine} whole />}
        </details>
        <details>
          <summary>What the file says now</summary>
          <pre class="output" tabIndex={0} aria-label="The document as it is now">{present}</pre>
        </details>
        {merged && (
          <details open={merged.conflicts === 0}>
            <summary>
              Both together{merged.conflicts > 0 &&
                `, with ${plural(merged.conflicts, "place")} that both have changed`}
            </summary>
            <form method="post" action={`${documentHref(id)}/edit`} id={form} class="document-form">
              <FormMarks form={{ ...typing, typed: mergedIn }} seen={version} />
              <Field
                form={form}
                name="text"
                kind="area"
                rows={12}
                label="Both texts, merged"
                hint={merged.conflicts > 0
                  ? "Between the marks <<<<<<< and >>>>>>> stand yours and the file's: leave one, and take the marks away"
                  : "No place was changed by both"}
                value={merged.text}
                mono
              />
              <Button>Save both together</Button>
            </form>
          </details>
        )}
        <form method="post" action={`${documentHref(id)}/discard`}>
          <input type="hidden" name="typed_in" value={typing.typed.form} />
          <input type="hidden" name="typed_from" value={typing.typed.from} />
          <Button kind="quiet">Discard my text</Button>
        </form>
      </div>
    </Notice>
  );
}
