/** Documents are read once more: earlier versions overlooked some of their links, and some titles. */
import type { Migration } from "./migration.ts";

export const documentsAnew: Migration = {
  name: "0045_documents_anew",
  sql: `
-- No file has these: the next look at a project reads each of its documents, as after an edit of all.
UPDATE documents SET stamp = '', version = '';
`,
};
