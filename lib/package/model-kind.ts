/** What a package's model can do, read from the functions its libraries have. */
import { MlcError } from "../errors.js";
import type { Manifest } from "./manifest.js";

/** "decoder": generates text and embeds; "encoder": embeds only. */
export type ModelKind = "decoder" | "encoder";

/** The kind of a package's model. */
export function modelKind({ libraries }: Pick<Manifest, "libraries">): ModelKind {
  const generates = libraries.some(({ functions }) => functions.some(({ name }) => name === "decode"));
  return generates ? "decoder" : "encoder";
}

/** @throws MlcError ERR_UNSUPPORTED_FIELD for a package that cannot generate. */
export function requireGenerating(manifest: Pick<Manifest, "libraries" | "model">): void {
  if (modelKind(manifest) === "decoder") return;
  const { name, architecture } = manifest.model;
  throw new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected a model that generates text but received ${name} (${architecture}), whose package embeds only: ask it for embeddings, or load another model.`,
    { details: { model: name, architecture } },
  );
}
