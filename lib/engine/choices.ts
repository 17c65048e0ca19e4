/** Several answers to one prompt: `n` requests, of which the prefix cache computes the prompt once. */
import { expectInteger } from "./expectation.js";
import type { Generation, GenerationChunk, GenerationResult, Usage } from "./generation.js";
import type { Prompt } from "./prompt.js";
import { choiceSeeds } from "./sampling-params.js";
import type { GenerateOptions } from "./text-generation.js";

/** As OpenAI's. */
const MOST_CHOICES = 128;

/** A step of one of the choices: a piece of its answer, or its end. */
export type ChoiceStep = { readonly index: number } & (
  | { readonly chunk: GenerationChunk; readonly result?: undefined }
  | { readonly chunk?: undefined; readonly result: GenerationResult }
);

/** Starts `n` answers, each with its own seed: that of the first is the request's. Errors: those of `generate`, and then none runs. */
export function startChoices(
  generate: (prompt: Prompt, options: GenerateOptions) => Generation,
  prompt: Prompt,
  options: GenerateOptions,
  n: unknown,
): Generation[] {
  const choices = expectInteger("n", n ?? 1, 1, MOST_CHOICES);
  if (choices === 1) return [generate(prompt, options)];
  const started: Generation[] = [];
  try {
    for (const seed of choiceSeeds(options, choices)) started.push(generate(prompt, { ...options, seed }));
  } catch (error) {
    abortAll(started);
    throw error;
  }
  return started;
}

/** The results of all; the error of one ends the others. */
export async function choiceResults(generations: readonly Generation[]): Promise<GenerationResult[]> {
  try {
    return await Promise.all(generations.map(({ result }) => result));
  } catch (error) {
    abortAll(generations);
    throw error;
  }
}

/** Tokens of all choices; the prompt, which they share, counts once. */
export function choiceUsage(results: readonly GenerationResult[]): Usage {
  const promptTokens = results[0]?.usage.promptTokens ?? 0;
  const completionTokens = results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
  return {
    promptTokens,
    completionTokens,
    reasoningTokens: results.reduce((sum, { usage }) => sum + usage.reasoningTokens, 0),
    totalTokens: promptTokens + completionTokens,
    cachedTokens: results[0]?.usage.cachedTokens ?? 0,
  };
}

/** The steps of all choices as they come; the error of one is thrown. */
export async function* choiceSteps(
  generations: readonly Generation[],
): AsyncGenerator<ChoiceStep, void, undefined> {
  const next = (index: number, iterator: AsyncIterator<GenerationChunk>) => {
    const step = iterator.next().then((result) => ({ index, iterator, result }));
    // Where the loop has ended for another reason, nobody hears of this one.
    step.catch(() => undefined);
    return step;
  };
  const waiting = new Map(
    generations.map((generation, index) => [index, next(index, generation[Symbol.asyncIterator]())]),
  );
  while (waiting.size > 0) {
    const { index, iterator, result } = await Promise.race(waiting.values());
    const generation = generations[index];
    if (result.done !== true) {
      waiting.set(index, next(index, iterator));
      yield { index, chunk: result.value };
    } else {
      waiting.delete(index);
      if (generation !== undefined) yield { index, result: await generation.result };
    }
  }
}

/** Ends every one that still runs. */
export function abortAll(generations: readonly Generation[]): void {
  for (const generation of generations) generation.abort();
}
