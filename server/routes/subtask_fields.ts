/** The proposed subtasks as the form on an idea's page posts them. */
import { validate } from "../api.ts";
import { AppError, type FieldError } from "../errors.ts";
import { subtasksInput } from "../inputs.ts";
import type { ProposedSubtask } from "../records.ts";

/**
 * Reads `title_1`, `description_1`, `complexity_1`, `order_1`, `include_1`, `title_2`, …: the rows that are
 * included, in the order that their places give. Undefined when the form has no such rows. Throws `invalid`
 * with the names that the fields have in the form, also when rows were reordered or left out.
 */
export function readSubtasks(form: Record<string, string>): ProposedSubtask[] | undefined {
  const rows = Object.keys(form).flatMap((name) => Number(/^title_(\d+)$/.exec(name)?.[1]) || []);
  if (rows.length === 0) return undefined;
  const chosen = rows.filter((row) => form[`include_${row}`] !== undefined)
    .toSorted((a, b) => placeOf(form, a) - placeOf(form, b));
  const subtasks = chosen.map((row) => ({
    title: form[`title_${row}`],
    description: form[`description_${row}`],
    complexity: form[`complexity_${row}`],
  }));
  try {
    return validate(subtasksInput, subtasks, "subtasks");
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw asInForm(error, { chosen, first: rows[0]! });
  }
}

/**
 * The rows of a ticket's form that are kept, in the order that their places give, each with the id of the subtask that
 * it is of; a row for a new one counts once it has a title.
 */
export function readWantedSubtasks(
  form: Record<string, string>,
): { rows: number[]; subtasks: Record<string, unknown>[] } {
  const rows = Object.keys(form).flatMap((name) => Number(/^title_(\d+)$/.exec(name)?.[1]) || [])
    .filter((row) => form[`include_${row}`] !== undefined)
    .filter((row) => form[`id_${row}`] !== undefined || form[`title_${row}`]!.trim() !== "")
    .toSorted((a, b) => placeOf(form, a) - placeOf(form, b));
  const subtasks = rows.map((row) => ({
    ...(form[`id_${row}`] === undefined ? {} : { id: form[`id_${row}`] }),
    title: form[`title_${row}`],
    description: form[`description_${row}`],
    complexity: form[`complexity_${row}`],
  }));
  return { rows, subtasks };
}

/** A row that was moved goes before the one that had its new place when it comes from below, else after it. */
function placeOf(form: Record<string, string>, row: number): number {
  const place = Number(form[`order_${row}`]) || row;
  return place + Math.sign(place - row) / 2;
}

/** `0.title` is the title in the first chosen row; what is wrong with the list as a whole stands at its head. */
function asInForm(error: AppError, { chosen, first }: { chosen: number[]; first: number }) {
  const fields = error.fields.map(({ field, message }): FieldError => {
    const [index, name] = field.split(".");
    if (name === undefined) return { field: `include_${first}`, message };
    const row = chosen[Number(index)];
    return { field: `${name}_${row}`, message: `Subtask ${row}: ${message}` };
  });
  const message = `Cannot read the subtasks: ${error.fields[0]!.message}`;
  return new AppError("invalid", message, fields, { cause: error });
}
