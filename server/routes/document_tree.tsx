/** A folder of the tree beside a document, when it is opened. */
import type { Hono } from "hono";
import { TreeLevelRows } from "../../views/document_tree.tsx";
import { planningHref } from "../../views/links.ts";
import { render } from "../../views/render.ts";
import type { Env } from "../api.ts";
import { folderOfTree } from "../pages/document_tree.ts";
import { folderIn } from "../pages/planning.ts";
import { getProject } from "../store/projects.ts";

export function documentTreePages(pages: Hono<Env>): void {
  pages.get("/planning/tree", (c) => {
    const { id } = getProject(c.var.app.db, c.req.query("project") ?? "");
    const folder = folderIn(c.req.query("folder") ?? "");
    c.header("Vary", "HX-Request", { append: true });
    // As a page of its own it is the folder's.
    if (c.req.header("hx-request") === undefined) {
      return c.redirect(planningHref(id, { folder }), 303);
    }
    return c.html(render(<TreeLevelRows {...folderOfTree(c.var.app, id, folder)} />)) as Response;
  });
}
