/** The heads of sequence classifiers, from config.json. */
import { describe, expect, it } from "vitest";
import { readClassifier } from "../../lib/compiler/models/classifier-config.js";

const base = { architectures: ["BertForSequenceClassification"], id2label: { 0: "LABEL_0" } };

describe("the head of a classifier", () => {
  it.each([
    [base, { labels: 1, score: "sigmoid" }],
    [
      { ...base, id2label: { 0: "no", 1: "yes" } },
      { labels: 2, score: "softmax" },
    ],
    // transformers leaves out what is its default.
    [
      { ...base, id2label: undefined },
      { labels: 2, score: "softmax" },
    ],
    [
      { ...base, id2label: undefined, num_labels: 1 },
      { labels: 1, score: "sigmoid" },
    ],
    [
      { ...base, sentence_transformers: { activation_fn: "torch.nn.modules.linear.Identity" } },
      { labels: 1, score: "logit" },
    ],
    [
      { ...base, sbert_ce_default_activation_function: "torch.nn.modules.activation.Sigmoid" },
      { labels: 1, score: "sigmoid" },
    ],
    [{ ...base, architectures: ["BertModel"] }, undefined],
    [{}, undefined],
  ])("of %j is %j", (config, expected) => {
    expect(readClassifier(config)).toEqual(expected);
  });

  it.each([
    [{ ...base, id2label: { 0: "a", 1: "b", 2: "c" } }, /num_labels.* received 3/],
    [{ ...base, sentence_transformers: { activation_fn: "torch.nn.modules.activation.Tanh" } }, /Tanh/],
    [{ ...base, sbert_ce_default_activation_function: "toString" }, /activation_fn.*toString/],
  ])("of %j is refused", (config, message) => {
    expect(() => readClassifier(config)).toThrow(
      expect.objectContaining({ code: "ERR_UNSUPPORTED_FIELD", message: expect.stringMatching(message) }),
    );
  });
});
