/** Whether any document of a project has changed in the index is asked with each page of documents. */
import type { Migration } from "./migration.ts";

export const documentsNewest: Migration = {
  name: "0028_documents_newest",
  sql: `
-- Without it the question reads every row of a project: with thousands of documents, a millisecond or two each time.
CREATE INDEX documents_newest ON documents (project_id, indexed_at);
`,
};
