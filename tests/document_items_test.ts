/** What of a document can become an idea. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { builtInTemplates } from "../agents/planning/templates.ts";
import { compared, documentItems } from "../server/services/document_items.ts";
import { dedent } from "../server/services/document_sections.ts";
import { leastMs } from "./timing.ts";

const titles = (text: string, selection?: { from: number; to: number }) =>
  documentItems(text, selection ?? null).map(({ title }) => title);

Deno.test("documentItems() finds list items, rows and sections below headings that speak of such", () => {
  const text = `---
type: spec
---
# Saving

Some words.

- not one: no heading says so

## Requirements

### Functional

- [ ] R1: A **save** survives a \`kill\`, see [[map|the map]]
  - also those of slot 2

  More of it.
- [x] Old saves load #ticket-7
- [ ] R3:

### Speed

Saves take less than a second.

- measured on a phone

### Not now

- Saves in the cloud

## User stories

- As a … I can … so that …
- As a player I can name a save

## Milestones

| Id | Milestone | Outcome | State |
|----|-----------|---------|-------|
| M1 | Slots     | Three   | done  |
| M2 | Cloud #idea-3 |     |       |
|    |           |         |       |

## Risks

- A full disk
`;
  const items = documentItems(text);
  deepEqual(items.map(({ title, section, done }) => [title, section, done]), [
    ["R1: A save survives a `kill`, see the map", "Functional", false],
    ["Old saves load", "Functional", true],
    ["Speed", "Requirements", null],
    ["As a player I can name a save", "User stories", null],
    ["Slots", "Milestones", true],
    ["Cloud", "Milestones", false],
  ]);
  equal(items[0]!.description, "- also those of slot 2\n\nMore of it.");
  equal(items[0]!.line, 13);
  equal(items[2]!.description, "Saves take less than a second.\n\n- measured on a phone");
  equal(items[4]!.description, "- Id: M1\n- Outcome: Three\n- State: done");
  deepEqual(items[1]!.references, [{ kind: "ticket", number: 7 }]);
  deepEqual(items[5]!.references, [{ kind: "idea", number: 3 }]);
});

Deno.test("documentItems() takes a roadmap's milestones apart, and its title only where nothing else counts", () => {
  const roadmap = `# Roadmap 2026

## M1: Saving

By June, so that:

- slots
- names

## M2: Cloud

Nothing is known yet.
`;
  deepEqual(titles(roadmap), ["slots", "names", "M2: Cloud"]);
  deepEqual(titles(`# Roadmap\n\n- one thing\n- another\n`), ["one thing", "another"]);
  deepEqual(titles(`# Roadmap\n\n## Next\n\n- one thing\n\n## Thoughts\n\n- none\n`), [
    "one thing",
  ]);
  for (
    const [front, path] of [["", "roadmaps/2026.md"], ["type: Roadmap", ""], [
      "type: roadmap # v",
      "",
    ]]
  ) {
    const text = `---\n${front}\n---\n# The year\n\n- one thing\n`;
    deepEqual(documentItems(text, null, path).map(({ title }) => title), ["one thing"]);
  }
  deepEqual(titles("# Notes\n\n- one thing\n\n> ## Features\n> - quoted\n"), []);
  deepEqual(titles("```\n## Features\n- in code\n```\n"), []);
  deepEqual(titles(""), []);
});

Deno.test("documentItems() takes a section of prose for one thing, and each user story in it for one", () => {
  const text = `# Saving

## Requirements

A save survives a kill.
Whatever kills it.

## User stories

Who plays:

As a **player** I want to name a save, so that
I find it again.

It may have 40 letters.

As an owner I want to delete one.
As a child, I can't.

As a rule nothing is lost.

## Features

### Feature: Undo

One step back.

## Use cases

As a player I am in no list here.

- a list

## Milestones

When they come.

## Not now

As a player I want a cloud.
`;
  const items = documentItems(text);
  deepEqual(items.map(({ title, section, line, end }) => [title, section, line, end]), [
    ["Requirements", "Saving", 2, 7],
    ["As a player I want to name a save, so that I find it again.", "User stories", 11, 16],
    ["As an owner I want to delete one.", "User stories", 16, 17],
    ["As a child, I can't.", "User stories", 17, 21],
    ["Feature: Undo", "Features", 23, 27],
    ["a list", "Use cases", 31, 33],
  ]);
  equal(items[0]!.description, "A save survives a kill.\nWhatever kills it.");
  equal(items[1]!.description, "It may have 40 letters.");
  deepEqual(items.slice(2, 4).map(({ description }) => description), [
    ...["", "As a rule nothing is lost."],
  ]);
  // Of a selection too; a story that a template left open is none.
  deepEqual(titles(text, { from: 15, to: 17 }), ["As an owner I want to delete one."]);
  deepEqual(titles(text, { from: 7, to: 21 }).length, 3);
  deepEqual(titles("## User stories\n\nAs a … I want … so that …\n"), []);
  deepEqual(titles("---\ntype: roadmap\n---\n# 2027\n\nNothing is known.\n"), []);
});

Deno.test("documentItems() takes a story with the list of what it is accepted by for one thing", () => {
  const text = `## User stories

- an item of its own

As a player I want to name a save.

- It may have 40 letters
- An empty one is refused

As an owner I want to delete one.

| Given | Then |
|---|---|
| a save | it is gone |

### Later

- more of them

## Features

As a player I want all of this:

- slots
- names
`;
  const items = documentItems(text);
  deepEqual(items.map(({ title }) => title), [
    ...["an item of its own", "As a player I want to name a save."],
    ...["As an owner I want to delete one.", "more of them", "slots", "names"],
  ]);
  equal(items[1]!.description, "- It may have 40 letters\n- An empty one is refused");
  equal(items[2]!.description, "| Given | Then |\n|---|---|\n| a save | it is gone |");
  deepEqual(titles(text, { from: 4, to: 8 }), ["As a player I want to name a save."]);
  // What is selected within it is meant by itself.
  deepEqual(titles(text, { from: 7, to: 8 }), ["An empty one is refused"]);
});

Deno.test("documentItems() finds nothing in a template that nobody has filled in", () => {
  for (const { id, text } of builtInTemplates()) {
    const found = titles(text).filter((title) => title !== "Who: what, until when");
    deepEqual(found, [], id);
  }
});

Deno.test("documentItems() gives of a selection what stands in it, whatever the headings say", () => {
  const text =
    "# Notes\n\n- one\n- two\n\n## Talk\n\nWords.\n\n### Deep\n\nMore.\n\n## Last\n\n- three\n";
  deepEqual(titles(text, { from: 3, to: 4 }), ["two"]);
  deepEqual(titles(text, { from: 0, to: 100 }), ["one", "two", "Deep", "three"]);
  deepEqual(titles(text, { from: 13, to: 100 }), ["three"]);
  deepEqual(titles(text, { from: 9, to: 12 }), ["Deep"]);
  deepEqual(titles(text, { from: 7, to: 8 }), []);
});

Deno.test("the same words are told apart by their section, and compared without what surrounds them", () => {
  const items = documentItems("## Features\n\n- Tests\n- Tests\n\n## Backlog\n\n- tests!\n");
  deepEqual(items.map(({ words, sectionWords, nth }) => [words, sectionWords, nth]), [
    ["tests", "features", 0],
    ["tests", "features", 1],
    ["tests", "backlog", 0],
  ]);
  for (
    const same of ["R1: Save games", "R12. Save  *games*", "save games #idea-12", "2.1) Save games"]
  ) {
    equal(compared(same), "save games", same);
  }
  equal(compared("2 players"), "2 players");
});

Deno.test("a document that is all lists is read in no time", () => {
  const text = `## Features\n\n${"- a thing of its own\n  - more of it\n".repeat(4_000)}`;
  equal(documentItems(text).length, 1_000);
  const ms = leastMs(250, () => documentItems(text));
  ok(ms < 500, `${ms} ms`);
});

Deno.test("dedent() takes a text of more lines than a call takes arguments", () => {
  equal(dedent(["", ...Array.from({ length: 300_000 }, () => "  a")]).length, 2 * 300_000 - 1);
});
