/** Tools in two turns by the official clients, over an engine that plays a script. */
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChatTemplate } from "../../../lib/chat/chat-template.js";
import { type RunningServer, serve } from "../../../lib/server/listen.js";
import { openAiMessages } from "../../../lib/server/ollama-request.js";
import { fakeEngine, fakeManifest, textScript } from "../../support/fake-engine.js";

const TEMPLATE =
  '{% if tools %}<|start|>tools {{ tools | tojson }} <tool_call>{"name": x, "arguments": y}</tool_call>{% endif %}{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>\n{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}';
const CALL = 'I look.<tool_call>\n{"name": "get_weather", "arguments": {"city": "Rome"}}\n</tool_call>';
const weather = {
  type: "function" as const,
  function: {
    name: "get_weather",
    description: "The weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

let server: RunningServer;
beforeAll(async () => {
  const base = fakeManifest();
  const manifest = fakeManifest({
    model: { ...base.model, contextLength: 4096 },
    limits: { ...base.limits, contextLength: 4096 },
  });
  const { engine } = await fakeEngine(
    (request) => {
      const prompt = Buffer.from(request.tokens.filter((id) => id < 256)).toString();
      return textScript(prompt.includes("sunny") ? "It is sunny in Rome." : CALL)(request);
    },
    { manifest, chatTemplate: new ChatTemplate(TEMPLATE) },
  );
  server = await serve({ models: [{ name: "tiny", engine }], port: 0 });
});
afterAll(() => server.close());

describe("tools in two turns", () => {
  it("by the openai package", async () => {
    const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none" });
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: "user", content: "What is the weather in Rome?" },
    ];
    const first = await openai.chat.completions.create({ model: "tiny", messages, tools: [weather] });
    const message = first.choices[0]?.message;
    const call = message?.tool_calls?.[0];
    if (message === undefined || call?.type !== "function") throw new Error("no call");
    expect(call.function.name).toBe("get_weather");
    expect(JSON.parse(call.function.arguments)).toEqual({ city: "Rome" });
    messages.push(message, { role: "tool", tool_call_id: call.id, content: "sunny" });
    const second = await openai.chat.completions.create({ model: "tiny", messages, tools: [weather] });
    expect(second.choices[0]?.message.content).toBe("It is sunny in Rome.");
  });

  it("by the openai package's own loop, streamed", async () => {
    const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none" });
    const asked: string[] = [];
    const runner = openai.chat.completions.runTools({
      model: "tiny",
      stream: true,
      messages: [{ role: "user", content: "What is the weather in Rome?" }],
      tools: [
        {
          type: "function",
          function: {
            name: "get_weather",
            description: "The weather of a city",
            parameters: weather.function.parameters,
            parse: (text: string) => JSON.parse(text) as { city: string },
            function: ({ city }: { city: string }) => {
              asked.push(city);
              return "sunny";
            },
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe("It is sunny in Rome.");
    expect(asked).toEqual(["Rome"]);
  });

  it.each([false, true])("by the ollama package, streamed: %s", async (stream) => {
    const ollama = new Ollama({ host: server.url });
    const ask = async (
      messages: { role: string; content: string; tool_name?: string; tool_calls?: never[] }[],
    ) => {
      const request = { model: "tiny", messages, tools: [weather] };
      if (!stream) return [(await ollama.chat({ ...request, stream: false })).message];
      const pieces = [];
      for await (const { message } of await ollama.chat({ ...request, stream: true })) pieces.push(message);
      return pieces;
    };
    const user = { role: "user", content: "What is the weather in Rome?" };
    const first = await ask([user]);
    const calls = first.flatMap((message) => message.tool_calls ?? []);
    expect(calls).toEqual([{ function: { name: "get_weather", arguments: { city: "Rome" } } }]);
    expect(first.map(({ content }) => content).join("")).toBe("I look.");
    const second = await ask([
      user,
      { role: "assistant", content: "I look.", tool_calls: calls as never[] },
      { role: "tool", content: "sunny", tool_name: "get_weather" },
    ]);
    expect(second.map(({ content }) => content).join("")).toBe("It is sunny in Rome.");
  });
});

it("Ollama's results belong to the calls in their order", () => {
  const call = (name: string) => ({ function: { name, arguments: { a: 1 } } });
  expect(
    openAiMessages([
      { role: "assistant", content: "", tool_calls: [call("one"), call("two")], thinking: "hm" },
      { role: "tool", content: "1", tool_name: "one" },
      { role: "tool", content: "2" },
    ]),
  ).toEqual([
    {
      role: "assistant",
      content: "",
      reasoning_content: "hm",
      tool_calls: ["one", "two"].map((name, index) => ({
        id: `call_${index + 1}`,
        type: "function",
        function: { name, arguments: '{"a":1}' },
      })),
    },
    { role: "tool", content: "1", name: "one", tool_call_id: "call_1" },
    { role: "tool", content: "2", tool_call_id: "call_2" },
  ]);
});
