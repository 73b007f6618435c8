/** An idea, a ticket or a document, so named that none can be taken for another: their numbers count apart, and per project. */
import type { VNode } from "preact";
import type { Run } from "../server/records.ts";
import { capital, Tag } from "./components.tsx";
import { type Subject, subjectHref, subjectName, subjectWithin } from "./links.ts";
import type { Shell } from "./shell.ts";

/** Whether a page that is narrowed to no project has things of several. */
export const severalProjects = ({ projects, projectId }: Shell): boolean =>
  projects.length > 1 && projectId === null;

/** "Ticket #7 Fix save corruption", and its project where there are several. */
export const subjectLabel = (subject: Subject, shell: Shell): string =>
  `${subjectName(subject)} ${subject.title}${
    shell.projects.length > 1 ? ` · ${subject.projectName}` : ""
  }`;

/** "Docs-dev on ticket #3". */
export const runTitle = (run: Pick<Run, "agent">, subject: Subject): string =>
  `${capital(run.agent)} on ${subjectWithin(subject)}`;

interface SubjectLinkProps {
  subject: Subject;
  shell: Shell;
  class?: string;
}

/** The same as a link. */
export function SubjectLink({ subject, shell, class: name }: SubjectLinkProps): VNode {
  return (
    <>
      <a class={name} href={subjectHref(subject)}>{subjectName(subject)} {subject.title}</a>
      {severalProjects(shell) && (
        <>
          {" "}
          <Tag>{subject.projectName}</Tag>
        </>
      )}
    </>
  );
}
