/** Typed answers and runs of tools, over a scripted native engine. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTool } from "../../../lib/engine/tool-runner.js";
import { fakeEngine, fakeManifest, type Script, textScript } from "../../support/fake-engine.js";

const base = fakeManifest();
const manifest = fakeManifest({
  model: { ...base.model, contextLength: 8192 },
  limits: { ...base.limits, contextLength: 8192 },
});
const messages = [{ role: "user" as const, content: "hi" }];

/** Answers with one text after the other. */
async function answering(...texts: string[]) {
  let next = 0;
  const script: Script = (request) => textScript(texts[next++] ?? "?")(request);
  return await fakeEngine(script, { manifest });
}

const call = (name: string, given: object) =>
  `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`;
const addition = (run: (given: { a: number; b: number }) => unknown) =>
  defineTool({
    name: "add",
    description: "adds",
    parameters: z.object({ a: z.number(), b: z.number() }),
    run,
  });

describe("parse", () => {
  const schema = z.object({ city: z.string(), at: z.iso.date().transform((text) => new Date(text)) });

  it("gives the schema's output and holds the answer to its input", async () => {
    const { engine, native } = await answering('{"city": "Zürich", "at": "2025-07-10"}');
    const { choices } = await engine.chat.completions.parse({ messages, schema });
    expect(choices[0]?.message.parsed).toEqual({ city: "Zürich", at: new Date("2025-07-10") });
    expect(choices[0]?.message.content).toContain("Zürich");
    const { grammar } = native.requests[0] ?? {};
    expect(grammar).toMatchObject({ kind: "json_schema" });
    expect(JSON.parse(grammar?.text ?? "{}")).toMatchObject({
      $defs: { d0: { properties: { city: { type: "string" } }, additionalProperties: false } },
    });
  });

  it("leaves open what says so, and what allOf joins", async () => {
    const open = z.looseObject({ a: z.string() }).and(z.object({ b: z.string() }));
    const { engine } = await answering('{"a": "x", "b": "y", "c": 1}');
    const { choices } = await engine.chat.completions.parse({ messages, schema: open });
    expect(choices[0]?.message.parsed).toEqual({ a: "x", b: "y", c: 1 });
  });

  it("gives null where the answer was cut short", async () => {
    const { engine } = await fakeEngine(textScript('{"city": "Z', "length"));
    const { choices } = await engine.chat.completions.parse({ messages, schema });
    expect(choices[0]).toMatchObject({ finish_reason: "length", message: { parsed: null } });
  });

  it("throws what the schema says against a value", async () => {
    const { engine } = await answering('{"city": "a"}');
    const strict = z.object({ city: z.string().refine((city) => city.length > 3, "too short") });
    await expect(engine.chat.completions.parse({ messages, schema: strict })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("too short"),
      details: { issues: [{ path: ["city"] }] },
    });
  });

  it.each([
    [{ schema: {} }, "schema"],
    [{ schema: undefined }, "schema"],
    [{ schema, response_format: { type: "text" } }, "response_format"],
    [{ schema, stream: true }, "stream"],
  ])("refuses %#", async (fields, text) => {
    const { engine } = await answering("{}");
    const parse = Reflect.apply(engine.chat.completions.parse, engine.chat.completions, [
      { messages, ...fields },
    ]);
    await expect(parse).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(text),
    });
  });
});

describe("runTools", () => {
  it("runs the calls of an answer side by side and gives the model their results", async () => {
    const both = `${call("add", { a: 1, b: 2 })}\n${call("add", { a: 3, b: 4 })}`;
    const { engine, native } = await answering(both, "3 and 7");
    let running = 0;
    let most = 0;
    const tool = addition(async ({ a, b }) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return { sum: a + b };
    });
    const run = await engine.chat.completions.runTools({ messages, tools: [tool] });
    expect(most).toBe(2);
    expect(run).toMatchObject({ rounds: 2, finished: true });
    expect(run.completion.choices[0]?.message.content).toBe("3 and 7");
    expect(run.messages.map(({ role, content }) => [role, content])).toEqual([
      ["user", "hi"],
      ["assistant", null],
      ["tool", '{"sum":3}'],
      ["tool", '{"sum":7}'],
      ["assistant", "3 and 7"],
    ]);
    const prompt = engine.detokenize(native.requests[1]?.tokens ?? [], { special: true });
    expect(prompt).toContain('<tool_response>\n{"sum":3}\n</tool_response>\n<tool_response>\n{"sum":7}');
  });

  it("stops after maxRounds", async () => {
    const again = call("add", { a: 1, b: 2 });
    const { engine, native } = await answering(again, again, again);
    const run = await engine.chat.completions.runTools(
      { messages, tools: [addition(() => 3)] },
      { maxRounds: 2 },
    );
    expect(run).toMatchObject({ rounds: 2, finished: false });
    expect(native.requests).toHaveLength(2);
  });

  it("demands a call of the first answer only", async () => {
    const { engine, native } = await answering(call("add", { a: 1, b: 2 }), "3");
    const body = { messages, tools: [addition(() => 3)], tool_choice: "required" as const };
    await engine.chat.completions.runTools(body);
    expect(native.requests.map(({ grammar }) => grammar !== undefined)).toEqual([true, false]);
  });

  it("tells the model of errors, or throws them", async () => {
    const failing = addition(() => {
      throw new Error("no numbers today");
    });
    const texts = [call("add", { a: 1, b: 2 }), "sorry"];
    const told = await (await answering(...texts)).engine.chat.completions.runTools({
      messages,
      tools: [failing],
    });
    expect(told.messages[2]).toMatchObject({ role: "tool", content: '{"error":"no numbers today"}' });
    const wrong = await (await answering(call("add", { a: "x" }), "sorry")).engine.chat.completions.runTools({
      messages,
      tools: [addition(() => 3)],
    });
    expect(wrong.messages[2]?.content).toMatch(/the arguments of add/);
    const { engine } = await answering(...texts);
    const thrown = engine.chat.completions.runTools({ messages, tools: [failing] }, { onError: "throw" });
    await expect(thrown).rejects.toThrow("no numbers today");
  });

  it("ends by its signal, in a handler too", async () => {
    const { engine } = await answering(call("add", { a: 1, b: 2 }), "3");
    const controller = new AbortController();
    const waiting = addition(() => {
      controller.abort();
      return new Promise(() => undefined);
    });
    const run = engine.chat.completions.runTools(
      { messages, tools: [waiting] },
      { signal: controller.signal },
    );
    await expect(run).rejects.toMatchObject({ code: "ERR_ABORTED" });
  });

  it.each([
    [{ tools: [] }, {}, "tools"],
    [{ tools: [addition(() => 1)] }, { maxRounds: 0 }, "maxRounds"],
    [{ tools: [addition(() => 1)] }, { onError: "ignore" }, "onError"],
  ])("refuses %#", async (fields, options, text) => {
    const { engine } = await answering("x");
    const { completions } = engine.chat;
    const run = Reflect.apply(completions.runTools, completions, [{ messages, ...fields }, options]);
    await expect(run).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(text),
    });
  });
});
