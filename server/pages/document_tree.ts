/**
 * The tree beside a document: the folders on the way to it with what lies right in them. Each other folder is filled
 * when it is opened, so that a page costs about the same whether there are ten documents or thousands.
 */
import type { DocumentTreeProps, TreeLevel } from "../../views/document_tree.tsx";
import type { App } from "../app.ts";
import type { PlanningDocument } from "../records.ts";
import { listChangedPaths, listTitles } from "../store/document_tree.ts";
import { documentStamps } from "../store/documents.ts";

/** Folders, and documents, of one folder that are shown; of more, those around the one that matters. */
const SHOWN_MAX = 60;

export function documentTree(
  { db }: Pick<App, "db">,
  { projectId, path, id }: Pick<PlanningDocument, "projectId" | "path" | "id">,
): DocumentTreeProps {
  return { projectId, current: id, level: levels(db, projectId, "", path) };
}

/** What lies right in a folder, which is not on the way to the document that is shown. */
export function folderOfTree(
  { db }: Pick<App, "db">,
  projectId: string,
  folder: string,
): DocumentTreeProps {
  return { projectId, current: null, level: levels(db, projectId, folder, null) };
}

/** Documents that changed, and folders that are shown anew for them; what is more shows when it is opened again. */
const CHANGED_MAX = 2_000;
const CHANGED_FOLDERS_MAX = 40;

/**
 * The folders of the tree beside a document, but its own ones, in which something changed since `since`
 * (`newestIndexing`): whoever has one of them open has it shown anew.
 */
export function changedFolders(
  { db }: Pick<App, "db">,
  { projectId, path: toward }: Pick<PlanningDocument, "projectId" | "path">,
  since: string,
): DocumentTreeProps[] {
  const folders = new Set<string>();
  for (const path of listChangedPaths(db, projectId, since, CHANGED_MAX)) {
    const names = path.split("/").slice(0, -1);
    for (let end = 1; end <= names.length; end++) folders.add(names.slice(0, end).join("/"));
  }
  return [...folders].filter((folder) => !toward.startsWith(`${folder}/`)).toSorted()
    .slice(0, CHANGED_FOLDERS_MAX)
    .map((folder) => folderOfTree({ db }, projectId, folder));
}

/** Paths of one folder, and of those on the way that are open in it. */
interface Listed {
  folder: string;
  folders: { path: string; count: number }[];
  documents: string[];
  isWhole: boolean;
}

/** `folder`: "" or a path. `toward`: the document whose folders are open; null: none is. */
function levels(
  db: App["db"],
  projectId: string,
  folder: string,
  toward: string | null,
): TreeLevel {
  const tree = treeOf(documentStamps(db, projectId));
  const listed = [listOf(tree, folder, toward)];
  for (const name of (toward ?? "").split("/").slice(0, -1)) {
    const above = listed.at(-1)!.folder;
    listed.push(listOf(tree, above ? `${above}/${name}` : name, toward));
  }
  const shown = listed.flatMap(({ documents }) => documents);
  const titled = new Map(listTitles(db, projectId, shown).map((one) => [one.path, one]));
  return listed.toReversed().reduce<TreeLevel | null>(
    (inside, { folders, documents, ...level }) => ({
      ...level,
      folders: folders.map((one) => ({
        ...one,
        inside: inside?.folder === one.path ? inside : null,
      })),
      documents: documents.flatMap((path) => titled.get(path) ?? []),
    }),
    null,
  )!;
}

/** By folder: its folders with how many documents are in them and below, and its documents. In the order of the paths. */
type Tree = Map<string, { folders: Map<string, number>; documents: string[] }>;

/** As long as no document is another one, its pages need not look at thousands of paths each. */
const trees = new WeakMap<ReadonlyMap<string, string>, Tree>();

function treeOf(stamps: ReadonlyMap<string, string>): Tree {
  const known = trees.get(stamps);
  if (known) return known;
  const tree: Tree = new Map();
  const inside = (folder: string) => {
    let found = tree.get(folder);
    if (!found) tree.set(folder, found = { folders: new Map(), documents: [] });
    return found;
  };
  for (const path of stamps.keys()) {
    let above = "";
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      const { folders } = inside(above);
      above = path.slice(0, slash);
      folders.set(above, (folders.get(above) ?? 0) + 1);
    }
    inside(above).documents.push(path);
  }
  trees.set(stamps, tree);
  return tree;
}

function listOf(tree: Tree, folder: string, toward: string | null): Listed {
  const { folders: counts = new Map<string, number>(), documents = [] } = tree.get(folder) ?? {};
  const folders = [...counts].map(([path, count]) => ({ path, count }));
  const way = folders.findIndex(({ path }) => toward?.startsWith(`${path}/`));
  return {
    folder,
    folders: around(folders, way),
    documents: around(documents, toward === null ? -1 : documents.indexOf(toward)),
    isWhole: Math.max(folders.length, documents.length) <= SHOWN_MAX,
  };
}

/** `SHOWN_MAX` of them, with the one at `index` about in the middle; -1: the first. */
function around<T>(all: T[], index: number): T[] {
  const last = Math.max(0, all.length - SHOWN_MAX);
  const first = Math.min(last, Math.max(0, index - SHOWN_MAX / 2));
  return all.slice(first, first + SHOWN_MAX);
}
