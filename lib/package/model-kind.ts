/** What a package's model can do, read from its manifest. */
import { MlcError } from "../errors.js";
import type { Manifest } from "./manifest.js";

/** "decoder": generates text and embeds; "encoder": embeds only; "cross-encoder": ranks documents only. */
export type ModelKind = "decoder" | "encoder" | "cross-encoder";

type KindFields = Pick<Manifest, "libraries" | "ranking">;

/** The kind of a package's model. */
export function modelKind({ libraries, ranking }: KindFields): ModelKind {
  if (ranking !== undefined) return "cross-encoder";
  const generates = libraries.some(({ functions }) => functions.some(({ name }) => name === "decode"));
  return generates ? "decoder" : "encoder";
}

/** @throws MlcError ERR_UNSUPPORTED_FIELD for a package that cannot generate. */
export function requireGenerating(manifest: KindFields & Pick<Manifest, "model">): void {
  const kind = modelKind(manifest);
  if (kind === "decoder") return;
  throw refusal(
    manifest,
    "generates text",
    kind === "encoder" ? "embeds only: ask it for embeddings" : "ranks only: ask it to rerank",
  );
}

/** @throws MlcError ERR_UNSUPPORTED_FIELD for a package whose model reads pairs of texts. */
export function requireEmbedding(manifest: KindFields & Pick<Manifest, "model">): void {
  if (modelKind(manifest) === "cross-encoder")
    throw refusal(manifest, "embeds texts", "is a cross-encoder, which ranks only: ask it to rerank");
}

function refusal({ model }: Pick<Manifest, "model">, expected: string, received: string): MlcError {
  const { name, architecture } = model;
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected a model that ${expected} but received ${name} (${architecture}), whose package ${received}, or load another model.`,
    { details: { model: name, architecture } },
  );
}
