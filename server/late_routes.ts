/** Routes whose code is loaded with the first request for one of them: a start has no time for all of it. */
import type { Hono } from "hono";
import { getPath } from "hono/utils/url";

type Mount = () => void;

interface Group {
  /** Beginnings of the paths that its routes may have. */
  under: string[];
  load: () => Promise<Mount>;
  /** Of the first request for it; those that come meanwhile wait for the same. */
  loading?: Promise<Mount>;
  mounted: boolean;
}

/** The groups of routes that are declared, and which of them have been loaded. */
export class LateRoutes {
  readonly #groups: Group[] = [];

  /**
   * Declares routes that `load` brings in, to be mounted by what it gives. `firsts` names the first parts of all their
   * paths below `base` ("/api/v1", or ""): whoever asks for another path does not load them, and would not find them.
   * Those that are loaded together are mounted in the order in which they were declared.
   */
  add(base: string, firsts: readonly string[], load: () => Promise<Mount>): void {
    this.#groups.push({ under: firsts.map((first) => `${base}/${first}`), load, mounted: false });
  }

  /** Resolves when whatever may answer this path is mounted; null: it is already. Rejects when code can't be loaded. */
  needed(path: string): Promise<void> | null {
    return mountAll(this.#groups.filter(({ under }) => under.some((part) => isUnder(part, path))));
  }

  /** Resolves when all routes are mounted. */
  async all(): Promise<void> {
    await mountAll(this.#groups);
  }

  /** Lets `http` load what a request needs before it looks for the route, and a failure be answered as any other. */
  serve<E extends { Bindings?: LateBindings }>(http: Hono<E>): void {
    const dispatch = http.fetch;
    http.fetch = (request, ...rest) => {
      const needed = this.needed(getPath(request));
      if (needed === null) return dispatch(request, ...rest);
      return needed.then(
        () => dispatch(request, ...rest),
        (notLoaded) => dispatch(request, { ...rest[0] as object, notLoaded } as E["Bindings"]),
      );
    };
  }
}

/** What a request brings along whose routes could not be loaded. */
export interface LateBindings {
  notLoaded?: unknown;
}

function mountAll(groups: Group[]): Promise<void> | null {
  const missing = groups.filter(({ mounted }) => !mounted);
  if (missing.length === 0) return null;
  return Promise.all(missing.map(loadOnce)).then((mounts) => {
    for (const [n, group] of missing.entries()) {
      if (!group.mounted) mounts[n]!();
      group.mounted = true;
    }
  });
}

function loadOnce(group: Group): Promise<Mount> {
  return group.loading ??= group.load().catch((error) => {
    // The next request tries again.
    delete group.loading;
    throw error;
  });
}

const isUnder = (part: string, path: string): boolean =>
  path.startsWith(part) && (path.length === part.length || path[part.length] === "/");
