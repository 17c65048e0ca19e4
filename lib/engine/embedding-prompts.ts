/** What a package wants before the texts it embeds: prompts by name, as sentence-transformers has them. */
import type { Manifest } from "../package/manifest.js";
import type { EmbeddingSettings } from "./embedding-types.js";
import { shown, unexpected } from "./expectation.js";

/** Names of the prompts of the two sides of a search, the first that the package has. */
const SIDES = { query: ["query"], document: ["document", "passage", "corpus"] } as const;

/**
 * The text before each text of a call: given, one of the package's by name, or the package's default.
 * Errors: ERR_INVALID_ARGUMENT.
 */
export function promptText(
  { embedding }: Manifest,
  { prompt, prompt_name: named }: Pick<EmbeddingSettings, "prompt" | "prompt_name">,
): string {
  const { prompts = {}, defaultPrompt } = embedding ?? {};
  if (prompt != null) {
    if (typeof prompt !== "string") throw unexpected("prompt", "a text", prompt);
    if (named != null) throw unexpected("prompt_name", "no value beside prompt", named);
    return prompt;
  }
  const name = named ?? defaultPrompt;
  if (name === undefined) return "";
  if (typeof name !== "string") throw unexpected("prompt_name", "a name", name);
  const text = Object.hasOwn(prompts, name) ? prompts[name] : undefined;
  if (text !== undefined) return text;
  const known = Object.keys(prompts).map(shown).join(", ");
  throw unexpected(
    "prompt_name",
    known === "" ? "no name, as the package has no prompts," : `one of ${known}`,
    name,
  );
}

/** The text before what is searched for, or before what is searched: a prompt of that name, else the package's default. */
export function sidePromptText(manifest: Manifest, side: keyof typeof SIDES): string {
  const { prompts = {} } = manifest.embedding ?? {};
  return promptText(manifest, { prompt_name: SIDES[side].find((name) => Object.hasOwn(prompts, name)) });
}
