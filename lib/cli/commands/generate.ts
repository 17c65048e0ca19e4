/** `node-mlc generate`: one prompt, one answer, streamed. */
import type { ChatMessage } from "../../chat/message.js";
import { MlcError } from "../../errors.js";
import { defineCommand, integerFlag, numberFlag } from "../command.js";
import { ENGINE_ARGS, loadEngine } from "../engine-flags.js";

export const generateCommand = defineCommand({
  meta: { name: "generate", description: "Answer one prompt" },
  args: {
    ...ENGINE_ARGS,
    prompt: {
      type: "string",
      valueHint: "TEXT",
      required: true,
      description: "The prompt; - reads standard input",
    },
    system: { type: "string", valueHint: "TEXT", description: "A system message before the prompt" },
    raw: { type: "boolean", description: "Continue the prompt as it is, without the chat template" },
    "max-tokens": {
      type: "string",
      valueHint: "N",
      description: "Most tokens to generate (default: what the context holds)",
    },
    temperature: {
      type: "string",
      valueHint: "T",
      description: "0 takes the most likely token always (default: the model's, else 1)",
    },
    "top-p": {
      type: "string",
      valueHint: "P",
      description: "Sample from the likeliest tokens of this total probability",
    },
    "top-k": { type: "string", valueHint: "K", description: "Sample from the K likeliest tokens" },
    "min-p": {
      type: "string",
      valueHint: "P",
      description: "Leave out tokens below this share of the likeliest",
    },
    "repetition-penalty": {
      type: "string",
      valueHint: "R",
      description: "Above 1 makes tokens that occurred less likely",
    },
    seed: { type: "string", valueHint: "S", description: "The same seed gives the same answer" },
    stop: { type: "string", valueHint: "TEXT", description: "End where this text would appear" },
    "ignore-eos": { type: "boolean", description: "Go on after the model's end of text" },
  },
  async run(args, { output, signal }) {
    const options = {
      maxTokens: integerFlag("max-tokens", args["max-tokens"]),
      temperature: numberFlag("temperature", args.temperature),
      topP: numberFlag("top-p", args["top-p"]),
      topK: integerFlag("top-k", args["top-k"], 0),
      minP: numberFlag("min-p", args["min-p"]),
      repetitionPenalty: numberFlag("repetition-penalty", args["repetition-penalty"]),
      seed: integerFlag("seed", args.seed, Number.MIN_SAFE_INTEGER),
      stop: args.stop,
      ignoreEos: args["ignore-eos"],
      signal,
    };
    if (args.raw && args.system !== undefined) {
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        "Expected --system or --raw but received both: a raw prompt has no messages.",
      );
    }
    const text = args.prompt === "-" ? await standardInput() : args.prompt;
    await using engine = await loadEngine(args, { maxBatch: 1, signal });
    const generation = engine.generate(args.raw ? text : messages(args.system, text), options);
    // With --json the object alone is printed: the text is in it.
    if (!output.json) {
      for await (const chunk of generation) output.stream(chunk.text);
    }
    const result = await generation.result;
    const { promptTokens, completionTokens, totalTokens } = result.usage;
    output.result(
      {
        text: result.text,
        tokens: result.tokens,
        finish_reason: result.finishReason,
        usage: {
          prompt_tokens: promptTokens,
          completion_tokens: completionTokens,
          total_tokens: totalTokens,
        },
        timings: { first_token_ms: result.timings.firstTokenMs, total_ms: result.timings.totalMs },
      },
      () => "",
    );
  },
});

function messages(system: string | undefined, prompt: string): ChatMessage[] {
  const user: ChatMessage = { role: "user", content: prompt };
  return system === undefined ? [user] : [{ role: "system", content: system }, user];
}

async function standardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString("utf8");
}
