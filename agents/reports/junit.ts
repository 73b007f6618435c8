/** JUnit's XML, as nearly every runner can write it, each with its own idea of the attributes. */
// @ts-types="@types/sax"
import sax from "sax";
import type { CheckReport } from "../../server/records.ts";
import { type Case, failureOf } from "./junit_failure.ts";
import { relativeTo, report, REPORT_FAILURES } from "./report.ts";

/** Longest report that is read; that there was more is told as a failure. */
export const JUNIT_CHARS = 16 * 1024 * 1024;
/** Most characters of a failure's text, and of what its test printed, that are kept. */
const TEXT_CHARS = 20_000;
/** Most entities that XML forbids. */
const ODDITIES_MAX = 10_000;
/** No runner goes deeper than a few suites in suites. */
const DEPTH_MAX = 200;

/**
 * Counts and failures of one JUnit report; null when it is no such report. Each test case counts, whatever the sums
 * in the suites say. One that ends too early, or is broken, counts as far as it could be read, with a failure
 * that says so. Entities that a document declares stay as they are, and nothing outside it is read. `root` is the folder
 * that failures name files relative to.
 */
export function parseJUnit(xml: string, options: { root?: string } = {}): CheckReport | null {
  const reader = new Reader();
  const broken = reader.read(xml.slice(0, JUNIT_CHARS));
  if (!reader.known) return null;
  const failures = reader.failed.slice(0, REPORT_FAILURES)
    .map((failed) => relativeTo(failureOf(failed), options.root));
  const counts = { passed: reader.passed, failed: reader.failed.length, skipped: reader.skipped };
  if (broken === null) return report("JUnit", counts, failures);
  const why = xml.length > JUNIT_CHARS ? `it has more than ${JUNIT_CHARS} characters` : broken;
  const message = `The JUnit report could not be read to its end: ${why}`;
  return report("JUnit", { ...counts, failed: counts.failed + 1 }, [{ message }, ...failures]);
}

class Broken extends Error {}

interface Element {
  name: string;
  attributes: Record<string, string>;
}

class Reader {
  known = false;
  passed = 0;
  skipped = 0;
  readonly failed: Case[] = [];
  readonly #parser = sax.parser(true);
  readonly #open: Element[] = [];
  #oddities = 0;
  #case: Case & { outcome: "passed" | "failed" | "skipped" } | null = null;
  /** The element whose text is the failure's. */
  #telling: Element | null = null;

  constructor() {
    this.#parser.onopentag = ({ name, attributes }) =>
      this.#opened({
        name: name.toLowerCase(),
        attributes: attributes as Record<string, string>,
      });
    this.#parser.onclosetag = () => this.#closed();
    this.#parser.ontext = (text) => this.#said(text);
    this.#parser.oncdata = (text) => this.#said(text);
    this.#parser.onerror = (error) => {
      // Many runners write the codes of terminals as entities, which XML forbids; they stay as they are.
      if (error.message.startsWith("Invalid character entity") && this.#oddities++ < ODDITIES_MAX) {
        this.#parser.resume();
        return;
      }
      throw new Broken(error.message.split("\n")[0], { cause: error }); // it would go on, and guess
    };
  }

  /** Why the text could not be read to its end; null when it could. */
  read(xml: string): string | null {
    try {
      this.#parser.write(xml).close(); // in one piece: between pieces it refuses long attributes
      return null;
    } catch (error) {
      if (error instanceof Broken) return error.message;
      throw error;
    }
  }

  #opened(element: Element): void {
    const { name, attributes } = element;
    const parent = this.#open.at(-1);
    if (!parent) this.known = name === "testsuites" || name === "testsuite";
    if (!this.known) throw new Broken("it is no JUnit report");
    if (this.#open.length >= DEPTH_MAX) {
      throw new Broken(`more than ${DEPTH_MAX} elements stand in each other`);
    }
    this.#open.push(element);
    const suite = parent?.name === "testsuite" ? parent.attributes : {};
    if (name === "testcase") {
      const off = attributes.status === "disabled" || attributes.status === "notrun";
      this.#case = { ...blank, attributes, suite, outcome: off ? "skipped" : "passed" };
    } else if (name === "failure" || name === "error") {
      // A suite that broke outside of its tests says so by itself.
      this.#case ??= { ...blank, attributes: { name: suite.name ?? "" }, suite, outcome: "passed" };
      if (this.#case.outcome === "failed") return; // its first failure is told
      this.#case.outcome = "failed";
      this.#case.message = attributes.message ?? "";
      this.#telling = element;
    } else if (name === "skipped" && this.#case?.outcome === "passed") {
      this.#case.outcome = "skipped";
    }
  }

  #closed(): void {
    const element = this.#open.pop();
    const told = element === this.#telling;
    if (told) this.#telling = null;
    const ofSuite = told && this.#open.at(-1)?.name !== "testcase";
    if (!this.#case || element?.name !== "testcase" && !ofSuite) return;
    const { outcome, ...ended } = this.#case;
    if (outcome === "failed") {
      this.failed.push(this.failed.length < REPORT_FAILURES ? ended : blank);
    } else this[outcome]++;
    this.#case = null;
  }

  #said(text: string): void {
    if (!this.#case) return;
    if (this.#telling) this.#case.text = (this.#case.text + text).slice(0, TEXT_CHARS);
    else if (/^system-(out|err)$/.test(this.#open.at(-1)?.name ?? "")) {
      this.#case.printed = (this.#case.printed + text).slice(-TEXT_CHARS);
    }
  }
}

const blank: Case = { attributes: {}, suite: {}, message: "", text: "", printed: "" };
