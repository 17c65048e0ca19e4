/** Tools and calls in the prompts of real models' templates. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseAnswer } from "../../../lib/chat/answer-parser.js";
import { promptParts, toolPlanOf } from "../../../lib/chat/chat-prompt.js";
import { ChatTemplate } from "../../../lib/chat/chat-template.js";
import { checkMessages } from "../../../lib/chat/message.js";
import { checkTools, type FunctionTool } from "../../../lib/chat/tool-call.js";
import { sharedData } from "../../support/shared-data.js";

const templates = sharedData("templates");
const bfcl = sharedData("tools");
const NOON = new Date(2025, 6, 10, 12);

const load = (name: string) =>
  new ChatTemplate(readFileSync(path.join(templates ?? "", "llama.cpp", `${name}.jinja`), "utf8"), {
    bosToken: "<s>",
    eosToken: "</s>",
  });

/** Templates that the engine cannot run: their Jinja is not all known, or (the last two) they demand variables of their own. */
const BROKEN = [
  "ByteDance-Seed-OSS",
  "tencent-Hy3",
  "CohereForAI-c4ai-command-r-plus-tool_use",
  "fireworks-ai-llama-3-firefunction-v2",
];

function conversation(functions: readonly { name: string }[], question: string): unknown[] {
  return [
    { role: "user", content: question },
    {
      role: "assistant",
      content: null,
      tool_calls: functions.map(({ name }, index) => ({
        id: `callid00${index}`,
        type: "function",
        function: { name, arguments: '{"first_argument": "first_value"}' },
      })),
    },
    ...functions.map((_, index) => ({
      role: "tool",
      tool_call_id: `callid00${index}`,
      content: `result_${index}`,
    })),
  ];
}

describe.skipIf(templates === undefined || bfcl === undefined)("real templates", () => {
  const files = templates === undefined ? [] : readdirSync(path.join(templates, "llama.cpp"));
  const names = files
    .filter((file) => file.endsWith(".jinja"))
    .map((file) => file.slice(0, -6))
    .filter((name) => !BROKEN.includes(name));

  it.each(BROKEN)("%s cannot be run yet", (name) => {
    const tools = checkTools([{ type: "function", function: { name: "a_tool" } }]);
    const run = () => {
      const parts = promptParts(
        load(name),
        checkMessages(conversation([{ name: "a_tool" }], "x")),
        tools,
        (text) => text,
      );
      return load(name).render(parts.messages, { variables: parts.variables, now: NOON });
    };
    expect(run).toThrow(expect.objectContaining({ code: "ERR_CHAT_TEMPLATE" }));
  });

  it.each(names)("%s shows tools, calls and results", (name) => {
    const template = load(name);
    const tools = checkTools([
      {
        type: "function",
        function: {
          name: "a_tool",
          description: "d",
          parameters: {
            type: "object",
            properties: { first_argument: { type: "string", description: "e" } },
          },
        },
      },
    ]);
    const messages = checkMessages(conversation([{ name: "a_tool" }], "the question"));
    const parts = promptParts(template, messages, tools, (text) => text);
    const prompt = template.render(parts.messages, { variables: parts.variables, now: NOON });
    for (const shown of ["a_tool", "the question", "first_argument", "first_value", "result_0"]) {
      expect(prompt).toContain(shown);
    }
    expect(prompt).not.toContain('\\"first_argument');
    expect(prompt).not.toContain("[object");
  });

  it("knows the families", () => {
    const syntax = (name: string) => {
      const plan = toolPlanOf(load(name));
      return plan.written ? "default" : (plan.syntax?.name ?? "channels");
    };
    expect({
      qwen3: syntax("Qwen-Qwen3-0.6B"),
      qwen25: syntax("Qwen-Qwen2.5-7B-Instruct"),
      hermes: syntax("NousResearch-Hermes-3-Llama-3.1-8B-tool_use"),
      llama31: syntax("meta-llama-Llama-3.1-8B-Instruct"),
      llama32: syntax("meta-llama-Llama-3.2-3B-Instruct"),
      nemo: syntax("mistralai-Mistral-Nemo-Instruct-2407"),
      small: syntax("Mistral-Small-3.2-24B-Instruct-2506"),
      ministral: syntax("mistralai-Ministral-3-14B-Reasoning-2512"),
      command: syntax("CohereForAI-c4ai-command-r7b-12-2024-tool_use"),
      functionary: syntax("meetkai-functionary-medium-v3.1"),
      functionary32: syntax("meetkai-functionary-medium-v3.2"),
      qwen3coder: syntax("Qwen3-Coder"),
      qwen35: syntax("Qwen3.5-4B"),
      nemotron: syntax("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"),
      stepfun: syntax("StepFun3.5-Flash"),
      glm46: syntax("GLM-4.6"),
      glm47: syntax("GLM-4.7-Flash"),
      lagunaXs: syntax("poolside-Laguna-XS.2"),
      lagunaS: syntax("poolside-Laguna-S-2.1"),
      minimax: syntax("MiniMax-M2"),
      granite3: syntax("ibm-granite-granite-3.3-2B-Instruct"),
      granite4: syntax("ibm-granite-granite-4.0"),
      deepseek: syntax("llama-cpp-deepseek-r1"),
      kimi: syntax("moonshotai-Kimi-K2"),
      gptoss: syntax("openai-gpt-oss-120b"),
      gemma2: syntax("google-gemma-2-2b-it"),
      phi35: syntax("microsoft-Phi-3.5-mini-instruct"),
    }).toEqual({
      qwen3: "hermes",
      qwen25: "hermes",
      hermes: "hermes",
      llama31: "llama-3",
      llama32: "llama-3",
      nemo: "mistral",
      small: "mistral-args",
      ministral: "mistral-args",
      command: "command",
      functionary: "functionary-3.1",
      functionary32: "functionary-3.2",
      qwen3coder: "qwen3-coder",
      qwen35: "qwen3-coder",
      nemotron: "qwen3-coder",
      stepfun: "qwen3-coder",
      glm46: "glm-4.5",
      glm47: "glm-4.7",
      lagunaXs: "glm-4.5",
      lagunaS: "glm-4.7",
      minimax: "minimax-m2",
      granite3: "granite-3",
      granite4: "hermes",
      deepseek: "deepseek-r1",
      kimi: "kimi-k2",
      gptoss: "channels",
      gemma2: "default",
      phi35: "default",
    });
  });

  it.each([
    "Qwen3-Coder",
    "Qwen3.5-4B",
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16",
    "StepFun3.5-Flash",
    "GLM-4.6",
    "GLM-4.7-Flash",
    "poolside-Laguna-XS.2",
    "poolside-Laguna-S-2.1",
    "MiniMax-M2",
    "meetkai-functionary-medium-v3.2",
  ])("%s writes calls as its family's are read", (name) => {
    const template = load(name);
    const properties = {
      text: { type: "string" },
      count: { type: "integer" },
      flag: { type: "boolean" },
      maybe: { type: ["boolean", "null"] },
      list: { type: "array", items: { type: "string" } },
      nested: { type: "object", properties: { a: { type: "string" } } },
    };
    const values = {
      text: 'a "b"\n<c>',
      count: 3,
      flag: true,
      maybe: null,
      list: ["x", "5"],
      nested: { a: "é" },
    };
    const tools = checkTools([
      {
        type: "function",
        function: { name: "f", description: "d", parameters: { type: "object", properties } },
      },
    ]);
    const call = (id: string, made: object) => ({
      id,
      type: "function",
      function: { name: "f", arguments: JSON.stringify(made) },
    });
    const messages = checkMessages([
      { role: "user", content: "the question" },
      { role: "assistant", content: "I look.", tool_calls: [call("callid001", values)] },
      { role: "tool", tool_call_id: "callid001", content: "result 1" },
      {
        role: "assistant",
        content: null,
        tool_calls: [call("callid002", { text: "5" }), call("callid003", {})],
      },
      { role: "tool", tool_call_id: "callid002", content: "result 2" },
      { role: "tool", tool_call_id: "callid003", content: "result 3" },
    ]);
    const plan = toolPlanOf(template);
    expect(plan.written).toBe(false);
    expect(plan.abilities.history).toBeDefined();
    const parts = promptParts(template, messages, tools, (text) => text);
    const prompt = template.render(parts.messages, { variables: parts.variables, now: NOON });
    const events = parseAnswer(
      prompt.slice(prompt.indexOf("the question")),
      { tools: plan.syntax, reasoning: undefined, channels: false },
      { functions: new Map([["f", { type: "object", properties }]]), inThought: false, guaranteed: false },
    );
    const read = events.flatMap((event) => (event.type === "arguments" ? [JSON.parse(event.text)] : []));
    expect(read).toEqual([values, { text: "5" }, {}]);
    const text = events.flatMap((event) => (event.type === "text" ? [event.text] : [])).join("");
    for (const shown of ["I look.", "result 1", "result 2", "result 3"]) expect(text).toContain(shown);
  });

  it.each(["BFCL_v4_simple_python", "BFCL_v4_parallel"])("render every prompt of %s", (file) => {
    const lines = readFileSync(path.join(bfcl ?? "", `${file}.json`), "utf8")
      .trim()
      .split("\n");
    const some = [
      "Qwen-Qwen3-0.6B",
      "meta-llama-Llama-3.1-8B-Instruct",
      "mistralai-Mistral-Nemo-Instruct-2407",
      "google-gemma-2-2b-it",
    ].map(load);
    expect(lines.length).toBeGreaterThan(100);
    for (const line of lines) {
      const entry: { question: unknown[][]; function: FunctionTool["function"][] } = JSON.parse(line);
      const tools = checkTools(
        entry.function.map((definition) => ({ type: "function", function: definition })),
      );
      const messages = checkMessages(entry.question[0]);
      for (const template of some) {
        const parts = promptParts(template, messages, tools, (text) => text);
        const prompt = template.render(parts.messages, { variables: parts.variables, now: NOON });
        for (const { function: definition } of tools) expect(prompt).toContain(definition.name);
      }
    }
  });
});

describe("a template of the Phi-4-mini kind", () => {
  const template = new ChatTemplate(
    "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}<|system|>{{ message['content'] }}<|tool|>{{ message['tools'] }}<|/tool|><|end|>{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
  );

  it("gets tools in the system message and calls in the content", () => {
    const tools = checkTools([{ type: "function", function: { name: "f" } }]);
    const messages = checkMessages(conversation([{ name: "f" }], "q"));
    const parts = promptParts(template, messages, tools, (text) => text);
    expect(template.render(parts.messages, { variables: parts.variables })).toBe(
      '<|system|><|tool|>[{"name":"f","parameters":{"type":"object","properties":{}}}]<|/tool|><|end|><|user|>q<|end|><|assistant|><|tool_call|>[{"name": "f", "arguments": {"first_argument": "first_value"}}]<|/tool_call|><|end|><|tool|>result_0<|end|><|assistant|>',
    );
  });
});
