/** JSON as people write it in configuration: with comments and trailing commas. Null when it is not that. */
export function parseJsonc(text: string): unknown {
  // A string, a comment, or a comma before a closing bracket; strings are matched so as to be skipped.
  const parts =
    /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[\]}])/g;
  try {
    return JSON.parse(text.replace(parts, (part) => part.startsWith('"') ? part : ""));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
