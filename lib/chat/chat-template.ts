/**
 * A model's chat template: messages → prompt text, over @huggingface/jinja.
 *
 * Variables are those of Hugging Face's `apply_chat_template`: messages, tools and documents (None when absent),
 * add_generation_prompt, bos_token, eos_token, raise_exception, strftime_now.
 */
import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { MlcError } from "../errors.js";
import { REPAIR_FUNCTIONS, repaired } from "./jinja-repair.js";
import type { PlainMessage } from "./message.js";
import { strftime } from "./strftime.js";

/** Options of one rendering. */
export interface TemplateOptions {
  /** End with what makes the model answer. Default true. */
  addGenerationPrompt?: boolean;
  /** More variables for the template, for example `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>;
  /** The time `strftime_now` tells. Default: now. */
  now?: Date;
}

/** Spellings of the tokens a template may name. */
export interface TemplateTokens {
  bosToken?: string | undefined;
  eosToken?: string | undefined;
}

/** Messages as a template may see them; `checkMessages` makes them from a caller's. */
export type TemplateMessage = PlainMessage | Readonly<Record<string, unknown>>;

/** What the template itself says against the messages, by `raise_exception`. */
class Refusal extends Error {}

/** A parsed chat template. Immutable. */
export class ChatTemplate {
  readonly source: string;
  readonly #program: Template["parsed"];
  readonly #tokens: TemplateTokens;

  /** Errors: ERR_CHAT_TEMPLATE where the source is not Jinja this engine knows. */
  constructor(source: string, tokens: TemplateTokens = {}) {
    this.source = source;
    this.#tokens = tokens;
    try {
      this.#program = repaired(new Template(source).parsed);
    } catch (cause) {
      throw new MlcError(
        "ERR_CHAT_TEMPLATE",
        `Expected a chat template in Jinja but received one that does not parse (${messageOf(cause)}).`,
        { cause },
      );
    }
  }

  /** The prompt for `messages`. Errors: ERR_CHAT_TEMPLATE where the template refuses them or cannot be run. */
  render(messages: readonly TemplateMessage[], options: TemplateOptions = {}): string {
    const now = options.now ?? new Date();
    try {
      return this.#run({
        tools: null,
        documents: null,
        ...options.variables,
        messages: messages.map((message) => this.#withKnownRole(message)),
        add_generation_prompt: options.addGenerationPrompt ?? true,
        bos_token: this.#tokens.bosToken ?? "",
        eos_token: this.#tokens.eosToken ?? "",
        strftime_now: (format: string) => strftime(now, format),
        raise_exception: (message: string) => {
          throw new Refusal(message);
        },
      });
    } catch (cause) {
      const reason =
        cause instanceof Refusal
          ? `the template refuses them: ${cause.message}`
          : `the template cannot be run: ${messageOf(cause)}`;
      throw new MlcError(
        "ERR_CHAT_TEMPLATE",
        `Expected messages this model's chat template accepts but ${reason}. Change the messages, or send a raw prompt.`,
        { cause },
      );
    }
  }

  /** As the library's `Template.render`, whose globals cannot be replaced by ours. */
  #run(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...CONSTANTS, range, ...REPAIR_FUNCTIONS, ...variables })) {
      environment.set(name, value);
    }
    const result = new Interpreter(environment).run(this.#program);
    return String(result.value);
  }

  /** `developer` is `system` for every template that does not know the newer name. */
  #withKnownRole(message: TemplateMessage): TemplateMessage {
    if (message.role !== "developer" || this.source.includes("developer")) return message;
    return { ...message, role: "system" };
  }
}

/** Jinja's constants, both spellings of each. */
const CONSTANTS = { true: true, True: true, false: false, False: false, none: null, None: null };

/** Python's `range`. */
function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (step === 0) throw new Error("range() needs a step other than zero");
  const length = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length }, (_, index) => from + index * step);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
