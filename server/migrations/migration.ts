/** One step of the schema's history. Steps are appended, never edited: databases out there have run them. */
export interface Migration {
  name: string;
  sql: string;
  /**
   * It makes a table anew that others refer to: references are not looked at while it does, and all of them before
   * it is done.
   */
  rebuilds?: true;
}

/** The words of a CHECK constraint, from the list of states that the code uses. */
export const oneOf = (values: readonly string[]) => `(${values.map((v) => `'${v}'`).join(", ")})`;
