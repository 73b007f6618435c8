/**
 * What the API gives is in this folder, a file per noun, as zod values: they give the types, and the OpenAPI
 * description is generated from them. JSON is snake_case; records are camelCase inside. A schema is made when the
 * description is first asked for. Here is what they have in common.
 */
import { z } from "zod";

export const time = () => z.string().datetime();
export const id = () => z.string().max(64);
export const microUsd = () => z.number().int().describe("Millionths of a US dollar");
