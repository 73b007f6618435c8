/** Documents are read once more: earlier versions overlooked some of their links, and some titles. */
import type { Migration } from "./migration.ts";

export const documentsAnew: Migration = {
  name: "0045_documents_anew",
  sql: `
-- No file has this one: the next look at a project reads each of its documents, as after an edit of all. Their versions
-- stay: by these a document that was renamed since the last look is known to be the same one.
UPDATE documents SET stamp = '';
`,
};
