/** An engine for the tests of programs that use one: no model, no native code, the answers of your choice. */
import { ChatTemplate } from "../chat/chat-template.js";
import { Engine } from "../engine/engine.js";
import { expectKnownNames, unexpected } from "../engine/expectation.js";
import type { NativeRequest } from "../ffi/native-engine.js";
import type { Manifest } from "../package/manifest.js";
import { planMemory } from "../package/memory-plan.js";
import { byteManifest, byteTokenizer } from "./byte-model.js";
import { answerEvents, checkedAnswer, type MockAnswer } from "./mock-answer.js";
import { SCRIPTED_DEVICE, ScriptedNativeEngine } from "./scripted-native-engine.js";

/** A request as the engine saw it. */
export interface MockRequest {
  /** The prompt's text, with control tokens: the chat as its template renders it. */
  readonly prompt: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: bigint;
  /** How many requests came before. */
  readonly index: number;
}

/** Answers in turn (the last one again and again), or a function of the request. */
export type MockAnswers =
  | string
  | readonly (string | MockAnswer)[]
  | ((request: MockRequest) => string | MockAnswer);

/** Options of `createMockEngine`. */
export interface MockEngineOptions {
  readonly answers: MockAnswers;
  /** The model's name in responses; default "mock". */
  readonly name?: string | undefined;
  /** Tokens of prompt and answer, a token a byte; default 32,768. */
  readonly contextLength?: number | undefined;
  /** Milliseconds between two tokens; default 0: as fast as the event loop turns. */
  readonly tokenDelayMs?: number | undefined;
}

/** A mock engine and what it was asked. */
export interface MockEngine {
  /** The real class over a scripted native engine: streams, aborts, errors and usage are those of a loaded model. */
  readonly engine: Engine;
  /** Every request so far. */
  readonly requests: readonly MockRequest[];
}

const OPTION_NAMES = ["answers", "name", "contextLength", "tokenDelayMs"];
const DEFAULT_CONTEXT = 32_768;

const THOUGHT_MARKS = [
  { id: 258, content: "<think>", special: false },
  { id: 259, content: "</think>", special: false },
];

/** A template that knows tools and thoughts, so that both come out of the chat API as they do with a model of the Qwen family. */
const CHAT_TEMPLATE =
  '{% if tools %}<|start|>tools {{ tools | tojson }} as <tool_call>{"name": ..., "arguments": ...}</tool_call><|end|>{% endif %}' +
  "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>\n" +
  '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|end|>{% endfor %}' +
  "{% if add_generation_prompt %}<|start|>assistant\n{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}";

/**
 * Makes a mock engine. Errors: ERR_INVALID_ARGUMENT.
 */
export async function createMockEngine(options: MockEngineOptions): Promise<MockEngine> {
  expectKnownNames("the mock engine's options", options, OPTION_NAMES);
  const { answers, name = "mock", contextLength = DEFAULT_CONTEXT, tokenDelayMs = 0 } = options;
  const answerTo = chooser(answers);
  const manifest = mockManifest(name, contextLength);
  const tokenizer = byteTokenizer(THOUGHT_MARKS);
  const requests: MockRequest[] = [];
  const script = (request: NativeRequest) => {
    const seen = {
      prompt: tokenizer.decode([...request.tokens], { skipSpecial: false }),
      maxTokens: request.maxTokens,
      temperature: request.temperature,
      seed: request.seed,
      index: requests.length,
    };
    requests.push(seen);
    return answerEvents(answerTo(seen), request.maxTokens, request.thought?.budget);
  };
  const engine = await Engine.fromParts({
    manifest,
    library: manifest.libraries[0] as Manifest["libraries"][number],
    device: SCRIPTED_DEVICE,
    plan: planMemory(manifest),
    openText: async () => ({ tokenizer, chatTemplate: new ChatTemplate(CHAT_TEMPLATE) }),
    start: async (onEvents) => new ScriptedNativeEngine(script, onEvents, tokenDelayMs),
  });
  return { engine, requests };
}

function chooser(answers: MockAnswers): (request: MockRequest) => MockAnswer {
  if (typeof answers === "function") return (request) => checkedAnswer(answers(request));
  if (typeof answers === "string") return () => ({ text: answers });
  if (!Array.isArray(answers) || answers.length === 0)
    throw unexpected("answers", "a text, a list of answers or a function", answers);
  const checked = answers.map(checkedAnswer);
  return ({ index }) => checked[Math.min(index, checked.length - 1)] as MockAnswer;
}

function mockManifest(name: string, contextLength: number): Manifest {
  const base = byteManifest();
  return byteManifest({
    model: { ...base.model, name, contextLength },
    limits: { ...base.limits, contextLength, maxBatch: 16 },
  });
}
