/** Searches of the web are paid by the piece: how many a request made stands beside its tokens. */
import type { Migration } from "./migration.ts";

export const web: Migration = {
  name: "0012_web",
  sql: `
ALTER TABLE runs ADD COLUMN web_searches INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turn_usage ADD COLUMN web_searches INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage_days ADD COLUMN web_searches INTEGER NOT NULL DEFAULT 0;
`,
};
