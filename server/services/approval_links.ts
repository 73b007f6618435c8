/** Links in notifications: whoever holds one may decide its approval, until somebody has. */
import { createHash, randomBytes } from "node:crypto";
import { actingAs, type App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Approval } from "../records.ts";
import { findApprovalLink, insertApprovalLink } from "../store/approval_links.ts";
import { getApproval } from "../store/approvals.ts";
import { getRun } from "../store/runs.ts";
import { decide } from "./approvals.ts";
import { isActive } from "./runs.ts";

const TOKEN_BYTES = 32;
/** In base64url. */
const TOKEN = /^[\w-]{43}$/;

/** A new link to an approval, as its path. The token is nowhere but in there: what is kept is its hash. */
export function makeApprovalLink(app: App, approvalId: string): string {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  transact(app, (tx) => insertApprovalLink(tx, approvalId, hashOf(token)));
  return `/approve/${token}`;
}

/** What a link asks about. Throws `not_found` for a token that never was one, or is used up. */
export function approvalOfLink(app: App, token: string): Approval {
  const id = TOKEN.test(token) ? findApprovalLink(app.db, hashOf(token)) : null;
  const approval = id && getApproval(app.db, id);
  if (approval && approval.status === "pending" && isActive(getRun(app.db, approval.runId))) {
    return approval;
  }
  throw new AppError(
    "not_found",
    "Cannot find what this link is for: it was decided, its run is over, or the link is not whole",
  );
}

/** Decides by a link, once. Throws as `approvalOfLink` and `decide` do. */
export const decideByLink = (app: App, token: string, granted: boolean, reason: string): Approval =>
  decide(actingAs(app, BY_LINK), approvalOfLink(app, token).id, granted, reason);

/** Who decided, as the log says it. */
const BY_LINK = "the holder of the link";

const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");
