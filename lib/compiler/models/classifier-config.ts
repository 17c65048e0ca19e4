// The head of BERT's and RoBERTa's sequence classifiers, as config.json says it and as sentence-transformers' CrossEncoder reads it.
import { MlcError } from "../../errors.js";
import type { HuggingFaceConfig } from "./architecture.js";
import type { ClassifierConfig, RankingScore } from "./encoder-config.js";
import { readCount } from "./hugging-face-config.js";

/** How a class with such a head ends its name. */
const CLASSIFIER = "ForSequenceClassification";

/** transformers' number of labels where config.json says nothing. */
const DEFAULT_LABELS = 2;

/** What CrossEncoder may take of one logit, by the class of torch.nn. */
const SCORES: Readonly<Record<string, RankingScore>> = { Sigmoid: "sigmoid", Identity: "logit" };

/**
 * The head of a classifier that ranks; undefined for a model without.
 * @throws MlcError ERR_UNSUPPORTED_FIELD for more than two labels or another activation, ERR_INVALID_MODEL.
 */
export function readClassifier(config: HuggingFaceConfig): ClassifierConfig | undefined {
  const { architectures } = config;
  const names: readonly unknown[] = Array.isArray(architectures) ? architectures : [];
  if (!names.some((name) => typeof name === "string" && name.endsWith(CLASSIFIER))) return undefined;
  const labels = labelCount(config);
  if (labels > 2)
    throw unsupported(
      "num_labels",
      "1 label, or 2 of which the second means a match",
      labels,
      "ranks nothing",
    );
  return { labels, score: labels === 2 ? "softmax" : scoreOf(config) };
}

function labelCount(config: HuggingFaceConfig): number {
  const { id2label } = config;
  if (typeof id2label === "object" && id2label !== null) return Math.max(1, Object.keys(id2label).length);
  return readCount(config, "num_labels", DEFAULT_LABELS);
}

/** Sigmoid unless the model asks for the logit itself. */
function scoreOf({
  sentence_transformers: section,
  sbert_ce_default_activation_function: older,
}: HuggingFaceConfig): RankingScore {
  const newer = typeof section === "object" && section !== null && "activation_fn" in section ? section : {};
  const name = (newer as { activation_fn?: unknown }).activation_fn ?? older ?? "torch.nn.Sigmoid";
  const kind = typeof name === "string" ? (name.split(".").at(-1) ?? "") : "";
  const score = Object.hasOwn(SCORES, kind) ? SCORES[kind] : undefined;
  if (score === undefined)
    throw unsupported("activation_fn", "torch.nn's Sigmoid or Identity", name, "is not computed");
  return score;
}

function unsupported(field: string, expected: string, value: unknown, why: string): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected ${expected} for ${field} of a ${CLASSIFIER} class in config.json but received ${JSON.stringify(value)}: another classifier ${why}.`,
    { details: { field, value } },
  );
}
