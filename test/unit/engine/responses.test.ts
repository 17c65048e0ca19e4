/** OpenAI's Responses API over an engine that plays a script. */
import type OpenAI from "openai";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { ResponseObject, ResponseStreamEvent } from "../../../lib/engine/responses-types.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

describe("engine.responses", () => {
  it("answers a text or messages, with instructions before them", async () => {
    const { engine, native } = await fakeEngine(textScript("Hello"));
    const response = await engine.responses.create({
      input: [
        { role: "user", content: "one" },
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "two" }] },
        {
          role: "user",
          content: [
            { type: "input_text", text: "thr" },
            { type: "input_text", text: "ee" },
          ],
        },
      ],
      instructions: "Be short.",
      max_output_tokens: 9,
      temperature: 0.5,
      metadata: { a: "b" },
    });
    expect(response).toMatchObject({
      object: "response",
      status: "completed",
      incomplete_details: null,
      instructions: "Be short.",
      temperature: 0.5,
      metadata: { a: "b" },
      output: [
        {
          type: "message",
          role: "assistant",
          content: [{ type: "output_text", text: "Hello", annotations: [] }],
        },
      ],
      output_text: "Hello",
      usage: { output_tokens: 6, output_tokens_details: { reasoning_tokens: 0 } },
    });
    expect(native.requests[0]).toMatchObject({ maxTokens: 9, temperature: 0.5 });
    const prompt = engine.detokenize(native.requests[0]?.tokens ?? []);
    expect(prompt.indexOf("Be short.")).toBeLessThan(prompt.indexOf("one"));
    for (const piece of ["two", "three"]) expect(prompt).toContain(piece);
  });

  it("is incomplete at the token limit", async () => {
    const { engine } = await fakeEngine(textScript("Hel", "length"));
    const response = await engine.responses.create({ input: "hi", max_output_tokens: 3 });
    expect(response).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: [{ status: "incomplete" }],
    });
  });

  it("streams events in OpenAI's order, numbered", async () => {
    const { engine } = await fakeEngine(textScript("Hi"));
    const events: ResponseStreamEvent[] = [];
    for await (const event of await engine.responses.create({ input: "hi", stream: true }))
      events.push(event);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
    const types = events.map(({ type }) => type);
    expect(types.filter((type) => type !== "response.output_text.delta")).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const deltas = events.map((event) => (event.type === "response.output_text.delta" ? event.delta : ""));
    expect(deltas.join("")).toBe("Hi");
    const last = events.at(-1);
    expect(last?.type === "response.completed" && last.response.output_text).toBe("Hi");
  });

  it("a loop that is left ends the answer", async () => {
    const { engine, native } = await fakeEngine(textScript("Hello"));
    native.hold = true;
    for await (const _event of await engine.responses.create({ input: "hi", stream: true })) break;
    expect(native.aborted).toHaveLength(1);
  });

  it("leaves out the oldest turns where it may", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    const old = Array.from({ length: 20 }, () => [
      { role: "user" as const, content: "a long question?" },
      { role: "assistant" as const, content: "an answer." },
    ]).flat();
    const input = [...old, { role: "user" as const, content: "last" }];
    await expect(engine.responses.create({ input })).rejects.toMatchObject({ code: "ERR_CONTEXT_OVERFLOW" });
    expect((await engine.responses.create({ input, truncation: "auto" })).truncation).toBe("auto");
  });

  it.each([
    [{ input: 5 }, "ERR_INVALID_ARGUMENT"],
    [{ input: [] }, "ERR_INVALID_ARGUMENT"],
    [{ input: [{ type: "function_call_output", call_id: "1", output: "x" }] }, "ERR_INVALID_ARGUMENT"],
    [{ input: [{ role: "user", content: [{ type: "input_image" }] }] }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", truncation: "maybe" }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", text: { format: { type: "json_object" } } }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", text: { verbosity: "low" } }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", store: true }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", previous_response_id: "resp_1" }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", stream: "yes" }, "ERR_INVALID_ARGUMENT"],
  ])("refuses %j", async (body, code) => {
    const { engine } = await fakeEngine(textScript("ok"));
    await expect(engine.responses.create(body as never)).rejects.toMatchObject({ code });
  });

  it("has the parts of OpenAI's types", () => {
    expectTypeOf<ResponseObject["usage"]>().toExtend<OpenAI.Responses.ResponseUsage | null>();
    expectTypeOf<ResponseObject["incomplete_details"]>().toExtend<
      OpenAI.Responses.Response["incomplete_details"]
    >();
  });
});
