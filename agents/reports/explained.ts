/** The format of a report that a model made of an output which no parser knows: it helps, and is no evidence. */
export const EXPLAINED_FORMAT = "explained by a model";
