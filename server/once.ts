/**
 * Makes a value when it is first asked for. For what is slow to make and not needed to answer the first
 * pages, such as schemas: the hundred of them that agents use take zod 20 ms.
 */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
