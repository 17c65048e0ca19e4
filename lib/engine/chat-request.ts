/** A chat request read as a whole: messages, tools, thoughts and grammar belong together. */
import { type AnswerExpectation, AnswerParser, type AnswerSyntax } from "../chat/answer-parser.js";
import { toolPlanOf } from "../chat/chat-prompt.js";
import type { ChatTemplate } from "../chat/chat-template.js";
import { CHANNEL_MARKS, CHANNEL_TEMPLATE } from "../chat/harmony.js";
import { checkMessages, type PlainMessage } from "../chat/message.js";
import { endsInThought, reasoningSyntaxOf } from "../chat/reasoning-syntax.js";
import { toolSyntaxOf } from "../chat/tool-families.js";
import { syntaxMarks } from "../chat/tool-syntax.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import { unexpected } from "./expectation.js";
import { renderChat } from "./prompt.js";
import { reasoningOf, thoughtOf } from "./reasoning.js";
import { grammarOf } from "./response-format.js";
import { templateVariables } from "./template-variables.js";
import type { GenerateOptions } from "./text-generation.js";
import { toolUseOf } from "./tool-choice.js";
import { answerGrammar, needsToolGrammar } from "./tool-grammar.js";

/** The model as a chat request sees it. */
export interface ChatModel {
  readonly tokenizer: Tokenizer | undefined;
  readonly chatTemplate: ChatTemplate | undefined;
}

/** A request that has been read. */
export interface ChatRequest {
  readonly messages: readonly PlainMessage[];
  readonly options: GenerateOptions;
  /** A parser for one answer; undefined where an answer is text and nothing else. */
  readonly parser: (() => AnswerParser) | undefined;
}

/**
 * Reads messages, tools, reasoning fields and grammar of a body.
 * Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD, ERR_INVALID_GRAMMAR, ERR_CHAT_TEMPLATE.
 */
export function chatRequestOf(model: ChatModel, body: Readonly<Record<string, unknown>>): ChatRequest {
  const messages = checkMessages(body.messages);
  const use = toolUseOf(body);
  const asked = grammarOf(body);
  const { chatTemplate: template, tokenizer } = model;
  const { effort, maxTokens } = reasoningOf(body);
  const variables = templateVariables(body, template, use.tools, effort);
  if (template === undefined || tokenizer === undefined) {
    // Rendering says what is missing.
    const grammar = asked === undefined ? {} : { grammar: asked };
    return { messages, options: { templateVariables: variables, ...grammar }, parser: undefined };
  }
  const channels = CHANNEL_TEMPLATE.test(template.source);
  const reasoning = channels ? undefined : reasoningSyntaxOf(template.source);
  const inThought =
    reasoning !== undefined &&
    endsInThought(renderChat(model, messages, { variables: variables ?? {} }), reasoning);
  const speaks = toolSyntaxOf(template.source)?.speech !== undefined;
  const tools = use.callable.length > 0 || speaks ? toolPlanOf(template) : undefined;
  const controlToken = (spelling: string) => {
    const id = tokenizer.tokenToId(spelling);
    return id !== undefined && tokenizer.specialIds.has(id) ? id : undefined;
  };
  if (tools?.written === true && channels)
    throw unexpected("tools", "no value for this chat template", body.tools);
  const grammar = answerGrammar(asked, use, {
    tools: tools?.syntax,
    reasoning,
    inThought,
    channels,
    controlToken,
  });
  const syntax: AnswerSyntax = { tools: tools?.syntax, reasoning, channels };
  const expectation: AnswerExpectation = {
    functions: new Map(use.callable.map((tool) => [tool.function.name, tool.function.parameters])),
    inThought,
    guaranteed: needsToolGrammar(use),
  };
  const marks = marksOf(syntax);
  const visible = [...tokenizer.specialIds]
    .map((id) => tokenizer.idToToken(id))
    .filter(
      (spelling): spelling is string => spelling !== undefined && spelling !== "" && marks.includes(spelling),
    );
  const plain = syntax.tools === undefined && reasoning === undefined && !channels;
  return {
    messages,
    options: {
      templateVariables: variables,
      thought: thoughtOf(tokenizer, reasoning, channels, inThought, maxTokens),
      ...(visible.length === 0 ? {} : { visibleTokens: visible }),
      ...(grammar === undefined ? {} : { grammar }),
    },
    parser: plain ? undefined : () => new AnswerParser(syntax, expectation),
  };
}

function marksOf({ tools, reasoning, channels }: AnswerSyntax): string {
  if (channels) return CHANNEL_MARKS;
  return [
    tools === undefined ? "" : syntaxMarks(tools),
    reasoning === undefined ? "" : reasoning.begin + reasoning.end,
  ].join("\n");
}
