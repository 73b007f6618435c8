/** Named parameters of SQL as the driver takes them quickest: by number. */

export type Value = string | number | bigint | null | Uint8Array;
export type Params = Record<string, Value>;

/** What is no parameter although it may look like one, then a parameter. */
const PARAMETER = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|:([A-Za-z_]\w*)/g;

/**
 * The statement with numbers in place of the names of its parameters: bound by name, ten values take longer
 * than the insert of a row.
 */
export function numbered(sql: string): { text: string; names: string[] } {
  const names: string[] = [];
  const text = sql.replaceAll(PARAMETER, (found, name?: string) => {
    if (name === undefined) return found;
    if (!names.includes(name)) names.push(name);
    return `?${names.indexOf(name) + 1}`;
  });
  return { text, names };
}

/** Brings values into the order of their numbers; what is not given is NULL. Throws for a name that is none. */
export function inOrder(sql: string, names: readonly string[]): (params?: Params) => Value[] {
  let checked = false;
  return (params = {}) => {
    if (!checked) {
      const unknown = Object.keys(params).find((name) => !names.includes(name));
      if (unknown) throw new Error(`Cannot bind "${unknown}": no such parameter in ${sql}`);
      checked = true;
    }
    const values: Value[] = [];
    for (const name of names) {
      const value = params[name];
      if (value === undefined && name in params) {
        throw new TypeError(`Cannot bind "${name}": it is undefined in ${sql}`);
      }
      values.push(value ?? null);
    }
    return values;
  };
}
