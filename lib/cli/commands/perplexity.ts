/**
 * `node-mlc perplexity`: exp of the mean negative log-likelihood of a text.
 *
 * The text is tokenised without special tokens, its first N tokens are cut into windows, and each window scores all its
 * tokens but the first: 4,096 tokens in windows of 512 score 4,088.
 */
import { readFile } from "node:fs/promises";
import { MlcError } from "../../errors.js";
import { defineCommand, integerFlag } from "../command.js";
import { ENGINE_ARGS, loadEngine } from "../engine-flags.js";
import { lines } from "../output.js";
import { Progress } from "../progress.js";

const DEFAULT_WINDOW = 512;

export const perplexityCommand = defineCommand({
  meta: { name: "perplexity", description: "Measure how well a model predicts a text" },
  args: {
    ...ENGINE_ARGS,
    file: { type: "string", valueHint: "TEXT", required: true, description: "Text file (UTF-8)" },
    window: {
      type: "string",
      valueHint: "N",
      description: `Tokens of one window (default ${DEFAULT_WINDOW})`,
    },
    "max-tokens": { type: "string", valueHint: "N", description: "Use the first N tokens only" },
  },
  async run(args, { output, signal }) {
    const window = integerFlag("window", args.window, 2) ?? DEFAULT_WINDOW;
    const maxTokens = integerFlag("max-tokens", args["max-tokens"], 2);
    const text = await readText(args.file);
    await using engine = await loadEngine(args, { maxBatch: 1, signal });
    const tokens = engine.tokenize(text, { addSpecial: false }).slice(0, maxTokens);
    const windows = windowsOf(tokens, window);
    const progress = new Progress();
    let sum = 0;
    let scored = 0;
    try {
      for (const [index, ids] of windows.entries()) {
        if (signal.aborted) throw new MlcError("ERR_ABORTED", "The measurement was interrupted.");
        progress.update("perplexity", index, windows.length);
        for (const logprob of await engine.score(ids)) sum -= logprob;
        scored += ids.length - 1;
      }
    } finally {
      progress.stop();
    }
    const nll = sum / scored;
    const result = { perplexity: Math.exp(nll), nll, tokens: scored };
    output.result(result, () =>
      lines([
        ["perplexity", result.perplexity.toFixed(4)],
        ["nll", nll.toFixed(6)],
        ["tokens", scored],
      ]),
    );
  },
});

/** Windows of at most `size` tokens; a rest of one token scores nothing and is left out. */
export function windowsOf(tokens: readonly number[], size: number): number[][] {
  const windows: number[][] = [];
  for (let at = 0; at < tokens.length; at += size) {
    const ids = tokens.slice(at, at + size);
    if (ids.length > 1) windows.push(ids);
  }
  if (windows.length === 0) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a text of at least 2 tokens but received ${tokens.length}.`,
    );
  }
  return windows;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new MlcError("ERR_IO", `Expected to read ${file} but received ${(cause as Error).message}.`, {
      cause,
    });
  }
}
