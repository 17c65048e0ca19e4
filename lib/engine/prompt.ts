/** Prompts become tokens: chats are rendered, and what is too long for the context is shortened as the caller chose. */

import { promptParts, protectDeep } from "../chat/chat-prompt.js";
import type { ChatTemplate } from "../chat/chat-template.js";
import { type ChatMessage, checkMessages } from "../chat/message.js";
import { checkTools } from "../chat/tool-call.js";
import { MlcError } from "../errors.js";
import type { Manifest } from "../package/manifest.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { unexpected } from "./expectation.js";
import {
  expectOverflowPolicy,
  type OverflowPolicy,
  promptRoom,
  type Truncation,
  truncateOldest,
} from "./overflow.js";
import { expectSlidingKeep, leadingSpecials, sharedBeginning, slidePrompt } from "./sliding.js";

/** What a generation starts from: raw text, a chat, or token ids. */
export type Prompt = string | readonly ChatMessage[] | readonly number[] | Int32Array;

/** How a prompt is read. */
export interface PromptOptions {
  /** What to do with a text that is too long: an error, leave out a chat's oldest turns, or slide on. Default "error". */
  overflow?: OverflowPolicy | undefined;
  /**
   * With "sliding": first tokens that stay, at most half the context. Default: a chat's system messages, and of other
   * prompts the special tokens they begin with.
   */
  slidingKeep?: number | undefined;
  /** More variables for the chat template, for example `enable_thinking`; `tools` are the functions the model may call. */
  templateVariables?: Readonly<Record<string, unknown>> | undefined;
}

/** The names of `PromptOptions`, for refusing others. */
export const PROMPT_OPTION_NAMES = [
  "overflow",
  "slidingKeep",
  "templateVariables",
] as const satisfies readonly (keyof PromptOptions)[];

/** The model as prompts see it. */
export interface PromptModel {
  readonly manifest: Manifest;
  readonly contextLength: number;
  readonly tokenizer: Tokenizer | undefined;
  readonly chatTemplate: ChatTemplate | undefined;
}

/** The prompt text of a chat, with control tokens only where the template puts them (see Tokenizer.protect). */
export function renderChat(
  model: Pick<PromptModel, "tokenizer" | "chatTemplate">,
  messages: unknown,
  options: { addGenerationPrompt?: boolean; variables?: Readonly<Record<string, unknown>> } = {},
): string {
  const tokenizer = requireTokenizer(model.tokenizer);
  if (model.chatTemplate === undefined) {
    throw new MlcError(
      "ERR_CHAT_TEMPLATE",
      "Expected a model with a chat template but this package has none: send a raw prompt (text or token ids).",
    );
  }
  const { tools, ...variables } = options.variables ?? {};
  const protect = (text: string) => tokenizer.protect(text);
  const parts = promptParts(model.chatTemplate, checkMessages(messages), checkTools(tools), protect);
  return model.chatTemplate.render(parts.messages, {
    ...options,
    variables: { ...(protectDeep(variables, protect) as Record<string, unknown>), ...parts.variables },
  });
}

/** The tokenizer, or an error that says what a model without one can do. */
export function requireTokenizer(tokenizer: Tokenizer | undefined): Tokenizer {
  if (tokenizer !== undefined) return tokenizer;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    "Expected a model with a tokenizer but this package has none: only token ids go in and come out.",
  );
}

/** Token ids of a prompt. */
export interface EncodedPrompt {
  readonly ids: Int32Array;
  /** Whether the answer begins a text of its own: then it starts without a space. */
  readonly atStart: boolean;
}

/** A prompt that its overflow policy has shortened where it had to. */
export interface FittedPrompt extends EncodedPrompt {
  readonly truncation: Truncation | undefined;
  /** First tokens that stay; undefined where the text does not slide. */
  readonly slideKeep: number | undefined;
}

/**
 * The prompt's tokens, without those that its overflow policy leaves out to make room for `maxTokens` more.
 * Errors: ERR_INVALID_ARGUMENT, ERR_CHAT_TEMPLATE, ERR_CONTEXT_OVERFLOW.
 */
export function fitPrompt(
  model: PromptModel,
  prompt: Prompt,
  { overflow, slidingKeep, templateVariables }: PromptOptions,
  maxTokens: number | undefined,
): FittedPrompt {
  const { contextLength } = model;
  const encode = (given: Prompt) => encodePrompt(model, given, templateVariables);
  const policy = expectOverflowPolicy(overflow);
  if (policy === "sliding") {
    const { ids: whole, atStart } = encode(prompt);
    const keep =
      expectSlidingKeep(slidingKeep, contextLength) ??
      (isChat(prompt)
        ? sharedBeginning(prompt, whole, (chat) => encode(chat).ids)
        : leadingSpecials(whole, model.tokenizer?.specialIds));
    const { ids, keep: slideKeep, truncation } = slidePrompt(whole, keep, contextLength);
    return { ids, atStart, truncation, slideKeep };
  }
  if (slidingKeep !== undefined) throw unexpected("overflow", '"sliding" for slidingKeep', policy);
  if (policy === "error") return { ...encode(prompt), truncation: undefined, slideKeep: undefined };
  if (!isChat(prompt)) throw unexpected("prompt", 'a chat for overflow "truncate-oldest"', prompt);
  const limits = { room: promptRoom(contextLength, maxTokens), contextLength };
  const { encoded, truncation } = truncateOldest(prompt, limits, encode);
  return { ...encoded, truncation, slideKeep: undefined };
}

/** Whether a prompt is a list of messages. */
export function isChat(prompt: Prompt): prompt is readonly ChatMessage[] {
  return Array.isArray(prompt) && typeof prompt[0] === "object";
}

function encodePrompt(
  model: PromptModel,
  prompt: Prompt,
  variables: Readonly<Record<string, unknown>> | undefined,
): EncodedPrompt {
  const vocabularySize = model.manifest.model.vocabSize;
  if (typeof prompt === "string") {
    const tokenizer = requireTokenizer(model.tokenizer);
    return { ids: nonEmpty(tokenizer.encode(prompt), vocabularySize), atStart: prompt === "" };
  }
  if (prompt instanceof Int32Array || (Array.isArray(prompt) && typeof prompt[0] === "number")) {
    const ids = nonEmpty(prompt as ArrayLike<number>, vocabularySize);
    const special = model.tokenizer?.specialIds;
    return { ids, atStart: special !== undefined && ids.every((id) => special.has(id)) };
  }
  if (!Array.isArray(prompt)) throw unexpected("prompt", "a text, a list of messages or token ids", prompt);
  const text = renderChat(model, prompt, variables === undefined ? {} : { variables });
  const ids = requireTokenizer(model.tokenizer).encode(text, { addSpecial: false, parseSpecial: true });
  return { ids: nonEmpty(ids, vocabularySize), atStart: true };
}

function nonEmpty(ids: ArrayLike<number>, vocabularySize: number): Int32Array {
  if (ids.length === 0) throw unexpected("prompt", "at least one token", "an empty prompt");
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index];
    if (!Number.isInteger(id) || id === undefined || id < 0 || id >= vocabularySize) {
      throw unexpected(`prompt token ${index}`, `a token id below ${vocabularySize}`, id);
    }
  }
  return Int32Array.from(ids);
}
