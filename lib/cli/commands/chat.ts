/** `node-mlc chat`: an interactive chat in the terminal. */
import { createInterface, type Interface } from "node:readline/promises";
import type { ChatMessage } from "../../chat/message.js";
import type { Engine } from "../../engine/engine.js";
import type { Generation, GenerationResult } from "../../engine/generation.js";
import { MlcError } from "../../errors.js";
import { type CommandContext, defineCommand, integerFlag, numberFlag } from "../command.js";
import { ENGINE_ARGS, loadEngine } from "../engine-flags.js";
import { lines } from "../output.js";

const HELP = [
  "/help   this list",
  "/reset  forget the conversation",
  "/stats  tokens and speed of the last answer",
  "/exit   leave (also Ctrl-D)",
  "Ctrl-C  stop the answer; at the prompt: leave",
].join("\n");

export const chatCommand = defineCommand({
  meta: {
    name: "chat",
    description: "Chat in the terminal: /help, /reset, /stats, /exit; Ctrl-C stops an answer",
  },
  args: {
    ...ENGINE_ARGS,
    system: { type: "string", valueHint: "TEXT", description: "A system message" },
    temperature: {
      type: "string",
      valueHint: "T",
      description: "0 takes the most likely token always (default: the model's, else 1)",
    },
    "max-tokens": { type: "string", valueHint: "N", description: "Most tokens of one answer" },
    seed: { type: "string", valueHint: "S", description: "The same seed gives the same answers" },
  },
  async run(args, context) {
    const options = {
      maxTokens: integerFlag("max-tokens", args["max-tokens"]),
      temperature: numberFlag("temperature", args.temperature),
      seed: integerFlag("seed", args.seed, Number.MIN_SAFE_INTEGER),
    };
    await using engine = await loadEngine(args, { maxBatch: 1, signal: context.signal });
    const session = new ChatSession(engine, options, args.system, context);
    await session.run();
    if (context.output.json) context.output.result({ messages: session.messages }, () => "");
  },
});

type ChatOptions = Parameters<Engine["generate"]>[1];

/** The conversation and the loop of lines. */
class ChatSession {
  messages: ChatMessage[] = [];
  readonly #engine: Engine;
  readonly #options: ChatOptions;
  readonly #system: string | undefined;
  readonly #context: CommandContext;
  #answer: Generation | undefined;
  #last: GenerationResult | undefined;

  constructor(engine: Engine, options: ChatOptions, system: string | undefined, context: CommandContext) {
    this.#engine = engine;
    this.#options = options;
    this.#system = system;
    this.#context = context;
    this.#reset();
  }

  /** Reads lines until /exit, Ctrl-D or Ctrl-C at the prompt. */
  async run(): Promise<void> {
    const terminal = process.stdin.isTTY === true;
    const reader = createInterface({ input: process.stdin, output: process.stderr, terminal });
    reader.on("SIGINT", () => this.#interrupt(reader));
    this.#context.signal.addEventListener("abort", () => this.#interrupt(reader));
    if (terminal) this.#context.output.notice(`${this.#engine.manifest.model.name}: /help for help`);
    const prompt = () => {
      if (terminal) reader.prompt();
    };
    reader.setPrompt("> ");
    prompt();
    for await (const line of reader) {
      if ((await this.#take(line.trim())) === "exit") break;
      prompt();
    }
    reader.close();
  }

  async #take(line: string): Promise<"exit" | undefined> {
    const { output } = this.#context;
    if (line === "/exit") return "exit";
    if (line === "/help") output.notice(HELP);
    else if (line === "/reset") this.#reset();
    else if (line === "/stats") output.notice(this.#stats());
    else if (line.startsWith("/")) output.notice(`Unknown command ${line.split(" ")[0]}: /help lists them.`);
    else if (line !== "") await this.#ask(line);
    return undefined;
  }

  async #ask(content: string): Promise<void> {
    const { output } = this.#context;
    const question: ChatMessage = { role: "user", content };
    try {
      this.#answer = this.#engine.generate([...this.messages, question], this.#options);
      for await (const chunk of this.#answer) output.stream(chunk.text);
      const result = await this.#answer.result;
      output.stream(result.finishReason === "abort" ? " [stopped]\n" : "\n");
      this.messages.push(question, { role: "assistant", content: result.text });
      this.#last = result;
    } catch (error) {
      if (!(error instanceof MlcError)) throw error;
      const hint = error.code === "ERR_CONTEXT_OVERFLOW" ? " /reset begins anew." : "";
      output.notice(`${error.message}${hint}`);
    } finally {
      this.#answer = undefined;
    }
  }

  #interrupt(reader: Interface): void {
    if (this.#answer === undefined) reader.close();
    else this.#answer.abort();
  }

  #reset(): void {
    this.messages = this.#system === undefined ? [] : [{ role: "system", content: this.#system }];
  }

  #stats(): string {
    if (this.#last === undefined) return "No answer yet.";
    const { usage, timings } = this.#last;
    const decodeMs = timings.totalMs - (timings.firstTokenMs ?? timings.totalMs);
    const rate = decodeMs > 0 ? ((usage.completionTokens - 1) / decodeMs) * 1000 : 0;
    return lines([
      ["prompt tokens", usage.promptTokens],
      ["answer tokens", usage.completionTokens],
      ["first token", `${(timings.firstTokenMs ?? 0).toFixed(0)} ms`],
      ["speed", `${rate.toFixed(1)} tokens/s`],
      ["context", `${usage.totalTokens} of ${this.#engine.plan().context} tokens`],
    ]);
  }
}
