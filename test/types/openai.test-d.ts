/** Objects typed by the official `openai` package go in, and what comes out is of its types: both without a cast. */
import type OpenAI from "openai";
import { assertType, describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineTool, type Engine } from "../../lib/index.js";

declare const engine: Engine;
declare const whole: OpenAI.ChatCompletionCreateParamsNonStreaming;
declare const streaming: OpenAI.ChatCompletionCreateParamsStreaming;
declare const either: OpenAI.ChatCompletionCreateParams;
declare const texts: OpenAI.EmbeddingCreateParams;
declare const text: OpenAI.CompletionCreateParamsNonStreaming;

describe("OpenAI's types", () => {
  test("bodies go in, completions come out", async () => {
    assertType<OpenAI.ChatCompletion>(await engine.chat.completions.create(whole));
    for await (const chunk of await engine.chat.completions.create(streaming)) {
      assertType<OpenAI.ChatCompletionChunk>(chunk);
    }
    assertType<OpenAI.ChatCompletion | AsyncIterable<OpenAI.ChatCompletionChunk>>(
      await engine.chat.completions.create(either),
    );
  });

  test("answers go back in as messages", async () => {
    const completion = await engine.chat.completions.create(whole);
    const message = completion.choices[0]?.message;
    if (message === undefined) return;
    assertType<OpenAI.ChatCompletionMessageParam>(message);
    const theirs: OpenAI.ChatCompletionMessageParam[] = [...whole.messages, message];
    await engine.chat.completions.create({ messages: theirs });
  });

  test("embeddings", async () => {
    const { encoding_format, ...rest } = texts;
    assertType<OpenAI.CreateEmbeddingResponse>(await engine.embeddings.create(rest));
    const inEither = await engine.embeddings.create(texts);
    expectTypeOf(inEither.data[0]?.embedding).toEqualTypeOf<number[] | string | undefined>();
    const packed = await engine.embeddings.create({ input: "a", encoding_format: "base64" });
    expectTypeOf(packed.data[0]?.embedding).toEqualTypeOf<string | undefined>();
    const plain = await engine.embeddings.create({ input: ["a"] });
    expectTypeOf(plain.data[0]?.embedding).toEqualTypeOf<number[] | undefined>();
  });

  test("text completions", async () => {
    const { prompt, ...rest } = text;
    if (typeof prompt !== "string") return;
    assertType<OpenAI.Completion>(await engine.completions.create({ ...rest, prompt }));
  });
});

describe("typed answers", () => {
  test("parse gives the schema's output", async () => {
    const schema = z.object({ at: z.string().transform((value) => new Date(value)) });
    const { choices } = await engine.chat.completions.parse({ messages: [], schema });
    expectTypeOf(choices[0]?.message.parsed).toEqualTypeOf<{ at: Date } | null | undefined>();
  });

  test("handlers take the parameters' type", () => {
    const parameters = z.object({ city: z.string(), days: z.number().default(1) });
    defineTool({
      name: "weather",
      parameters,
      run: (given, { signal }) => {
        expectTypeOf(given).toEqualTypeOf<{ city: string; days: number }>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      },
    });
    // @ts-expect-error the handler wants what the parameters do not give
    defineTool({ name: "weather", parameters, run: (given: { place: string }) => given.place });
  });
});
