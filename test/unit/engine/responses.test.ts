/** OpenAI's Responses API over an engine that plays a script. */
import type OpenAI from "openai";
import { describe, expect, expectTypeOf, it } from "vitest";
import type {
  ResponseItemEvent,
  ResponseObject,
  ResponseOutputItem,
  ResponseStreamEvent,
  ResponseTool,
} from "../../../lib/engine/responses-types.js";
import { byteManifest } from "../../../lib/testing/byte-model.js";
import { createMockEngine } from "../../../lib/testing/index.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

const weather: ResponseTool = {
  type: "function",
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: null,
};

/** Thinks, speaks and calls; then answers. */
const mock = () =>
  createMockEngine({
    answers: [
      {
        reasoning: "A city.",
        text: "Let me look.",
        toolCalls: [
          { name: "weather", arguments: { city: "Paris" } },
          { name: "weather", arguments: { city: "Rome" } },
        ],
      },
      "Sunny.",
    ],
  });

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

  it("gives thoughts, text and calls as items, which go back with their results", async () => {
    const { engine, requests } = await mock();
    const asked = { tools: [weather], reasoning: { effort: "low" as const, max_tokens: 50 } };
    const response = await engine.responses.create({ input: "Paris and Rome?", ...asked });
    expect(response.output).toMatchObject([
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "A city." }] },
      { type: "message", content: [{ type: "output_text", text: "Let me look." }] },
      { type: "function_call", name: "weather", arguments: '{"city":"Paris"}', status: "completed" },
      { type: "function_call", name: "weather", arguments: '{"city":"Rome"}', status: "completed" },
    ]);
    expect(response).toMatchObject({
      output_text: "Let me look.",
      tools: [{ name: "weather", strict: false }],
      tool_choice: "auto",
      reasoning: { effort: "low", summary: null },
    });
    expect(response.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
    const results = response.output.flatMap((item) =>
      item.type === "function_call"
        ? [
            {
              type: "function_call_output" as const,
              call_id: item.call_id,
              output: `fine in ${item.arguments}`,
            },
          ]
        : [],
    );
    const input = [{ role: "user" as const, content: "Paris and Rome?" }, ...response.output, ...results];
    const second = await engine.responses.create({ input, ...asked });
    expect(second.output_text).toBe("Sunny.");
    const prompt = requests[1]?.prompt ?? "";
    expect(prompt).toMatch(
      /assistant\nLet me look.<tool_call>.*Paris.*<tool_call>.*Rome.*fine in .*Paris.*fine in /s,
    );
    expect(prompt.match(/<\|start\|>assistant/g)).toHaveLength(2);
  });

  it("streams what it gives as a whole", async () => {
    const events: ResponseStreamEvent[] = [];
    const { engine } = await mock();
    const body = { input: "hi", tools: [weather], stream: true as const };
    for await (const event of await engine.responses.create(body)) events.push(event);
    const types = events.map(({ type }) => type.replace("response.", ""));
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      "created",
      "in_progress",
      ...["output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done"],
      ...["content_part.done", "output_item.done"],
      ...["output_item.added", "content_part.added", "output_text.delta", "output_text.done"],
      ...["content_part.done", "output_item.done"],
      ...["output_item.added", "function_call_arguments.delta", "function_call_arguments.done"],
      "output_item.done",
      ...["output_item.added", "function_call_arguments.delta", "function_call_arguments.done"],
      "output_item.done",
      "completed",
    ]);
    const last = events.at(-1);
    const output = last?.type === "response.completed" ? last.response.output : [];
    const done = events.flatMap((event) => (event.type === "response.output_item.done" ? [event.item] : []));
    expect(done).toEqual(output);
    for (const [index, { id }] of output.entries()) {
      const own = events.filter((event) => "output_index" in event && event.output_index === index);
      for (const event of own)
        expect("item" in event ? event.item.id : "item_id" in event && event.item_id).toBe(id);
      const deltas = own.flatMap((event) => ("delta" in event ? [event.delta] : []));
      const whole = own.flatMap((event) =>
        "text" in event ? [event.text] : "arguments" in event ? [event.arguments] : [],
      );
      expect([deltas.join("")]).toEqual(whole);
    }
  });

  it("begins another answer where thoughts, text and calls come out of order", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"));
    await engine.responses.create({
      input: [
        { role: "assistant", content: "one" },
        { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "hm" }] },
        { role: "assistant", content: "two" },
        { role: "assistant", content: [{ type: "refusal", refusal: "no" }] },
        { role: "user", content: "three" },
      ],
    });
    const prompt = engine.detokenize(native.requests[0]?.tokens ?? []);
    expect(prompt).toMatch(/assistant\none.*assistant\ntwo.*assistant\nno.*user\nthree/s);
  });

  it("is held to a schema, to a grammar and to a call", async () => {
    const { model, limits } = byteManifest();
    const manifest = byteManifest({
      model: { ...model, contextLength: 2048 },
      limits: { ...limits, contextLength: 2048 },
    });
    const { engine, native } = await fakeEngine(textScript("{}"), { manifest });
    const schema = { type: "object", properties: {}, additionalProperties: false };
    const format = { type: "json_schema" as const, name: "x", schema, strict: true };
    const response = await engine.responses.create({ input: "a", text: { format } });
    expect(response.text).toEqual({ format });
    await engine.responses.create({ input: "a", text: { format: { type: "json_object" } } });
    await engine.responses.create({ input: "a", guided_choice: ["{}"] });
    const tool_choice = { type: "function" as const, name: "weather" };
    await engine.responses.create({ input: "a", tools: [weather], tool_choice });
    const allowed = { type: "allowed_tools" as const, mode: "required" as const, tools: [tool_choice] };
    await engine.responses.create({ input: "a", tools: [weather], tool_choice: allowed });
    expect(native.requests.map(({ grammar }) => grammar !== undefined)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
  });

  it("closes what the token limit cut", async () => {
    const { engine } = await createMockEngine({
      answers: [{ reasoning: "A long thought", finishReason: "length" }],
    });
    const { output } = await engine.responses.create({ input: "a", max_output_tokens: 12 });
    expect(output).toMatchObject([{ type: "reasoning", status: "incomplete" }]);
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
    [{ input: [{ type: "function_call_output", output: "x" }] }, "ERR_INVALID_ARGUMENT"],
    [{ input: [{ type: "function_call", call_id: "1", name: "f", arguments: "5" }] }, "ERR_INVALID_ARGUMENT"],
    [{ input: [{ type: "reasoning", encrypted_content: "x" }] }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: [{ role: "user", content: [{ type: "input_image" }] }] }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: [{ role: "tool", content: "x" }] }, "ERR_INVALID_ARGUMENT"],
    [{ input: [null] }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", truncation: "maybe" }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", text: { format: { type: "json_schema", name: "x" } } }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", text: { format: { type: "xml" } } }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", text: { verbosity: "low" } }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", response_format: { type: "json_object" } }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", n: 2 }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", background: true }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", include: ["message.output_text.logprobs"] }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", stream: true, stream_options: { include_usage: true } }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", reasoning: { summary: "detailed" } }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", reasoning: { mode: "pro" } }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", tools: [{ type: "web_search" }] }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", tools: [{ type: "function", name: "a b" }] }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", tools: [{ type: "function", name: "f", strict: 1 }] }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", tools: [weather], tool_choice: { type: "mcp" } }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", tools: [weather], tool_choice: { type: "function", name: "g" } }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", tool_choice: "required" }, "ERR_INVALID_ARGUMENT"],
    [{ input: "a", store: true }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", previous_response_id: "resp_1" }, "ERR_UNSUPPORTED_FIELD"],
    [{ input: "a", stream: "yes" }, "ERR_INVALID_ARGUMENT"],
  ])("refuses %j", async (body, code) => {
    const { engine } = await fakeEngine(textScript("ok"));
    await expect(engine.responses.create(body as never)).rejects.toMatchObject({ code });
  });

  it("has the parts of OpenAI's types", () => {
    type Theirs = OpenAI.Responses.Response;
    type Ours = Omit<ResponseObject, "tools" | "store" | "usage">;
    expectTypeOf<Ours>().toExtend<Pick<Theirs, keyof Ours>>();
    expectTypeOf<ResponseTool>().toExtend<OpenAI.Responses.FunctionTool>();
    expectTypeOf<
      ResponseItemEvent & { sequence_number: number }
    >().toExtend<OpenAI.Responses.ResponseStreamEvent>();
    expectTypeOf<ResponseOutputItem>().toExtend<OpenAI.Responses.ResponseInputItem>();
  });
});
