/** A call of the AI SDK as a chat completion's body. */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
  SharedV4Warning,
} from "@ai-sdk/provider";
import type { ChatMessage } from "../chat/message.js";
import type { ChatCompletionCreateParams } from "../engine/openai-types.js";
import { MlcError } from "../errors.js";

/** The name of this provider in `providerOptions`: fields of the body beyond the SDK's settings (`min_p`, `priority`, ...). */
export const PROVIDER = "node-mlc";

/** A body, and what of the call it leaves out. */
export interface AiSdkRequest {
  readonly body: ChatCompletionCreateParams;
  readonly warnings: SharedV4Warning[];
}

/** Translates a call. Errors: ERR_UNSUPPORTED_FIELD for files and whatever else of a message the engine cannot read. */
export function chatBodyOf(options: LanguageModelV4CallOptions): AiSdkRequest {
  const { tools, warnings } = toolsOf(options);
  const body: Record<string, unknown> = {
    messages: options.prompt.flatMap(messagesOf),
    max_completion_tokens: options.maxOutputTokens,
    temperature: options.temperature,
    top_p: options.topP,
    top_k: options.topK,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    stop: options.stopSequences,
    seed: options.seed,
    response_format: responseFormatOf(options),
    reasoning_effort: effortOf(options),
    ...(tools.length === 0 ? {} : { tools, tool_choice: toolChoiceOf(options) }),
    ...options.providerOptions?.[PROVIDER],
  };
  return { body: body as unknown as ChatCompletionCreateParams, warnings };
}

/** "max" is the most the chat API knows. */
function effortOf({ reasoning }: LanguageModelV4CallOptions) {
  if (reasoning === "provider-default") return undefined;
  return reasoning === "max" ? "xhigh" : reasoning;
}

function responseFormatOf({ responseFormat }: LanguageModelV4CallOptions) {
  if (responseFormat?.type !== "json") return undefined;
  const { schema, name = "answer", description } = responseFormat;
  if (schema === undefined) return { type: "json_object" };
  return {
    type: "json_schema",
    json_schema: { name, schema, ...(description === undefined ? {} : { description }) },
  };
}

function toolsOf({ tools = [] }: LanguageModelV4CallOptions) {
  const warnings: SharedV4Warning[] = [];
  const functions = tools.flatMap((tool) => {
    if (tool.type !== "function") {
      warnings.push({
        type: "unsupported",
        feature: `tool ${tool.name}`,
        details: "Only functions can be called.",
      });
      return [];
    }
    const { name, description, inputSchema: parameters, strict } = tool;
    return [{ type: "function", function: { name, description, parameters, strict } }];
  });
  return { tools: functions, warnings };
}

function toolChoiceOf({ toolChoice }: LanguageModelV4CallOptions) {
  if (toolChoice?.type !== "tool") return toolChoice?.type;
  return { type: "function", function: { name: toolChoice.toolName } };
}

function messagesOf(message: LanguageModelV4Message): ChatMessage[] {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }];
    case "user":
      return [{ role: "user", content: message.content.map((part) => textOf(part)).join("") }];
    case "tool":
      return message.content.map((part) => {
        if (part.type !== "tool-result") throw unsupported(part.type);
        return {
          role: "tool",
          tool_call_id: part.toolCallId,
          name: part.toolName,
          content: resultText(part.output),
        };
      });
    case "assistant":
      return [assistantMessage(message.content)];
  }
}

type AssistantContent = Extract<LanguageModelV4Message, { role: "assistant" }>["content"];

function assistantMessage(content: AssistantContent): ChatMessage {
  let text = "";
  let thoughts = "";
  const calls = [];
  for (const part of content) {
    if (part.type === "reasoning") thoughts += part.text;
    else if (part.type === "tool-call") {
      const input = typeof part.input === "string" ? part.input : JSON.stringify(part.input ?? {});
      calls.push({
        id: part.toolCallId,
        type: "function" as const,
        function: { name: part.toolName, arguments: input },
      });
    } else text += textOf(part);
  }
  return {
    role: "assistant",
    content: text,
    ...(thoughts === "" ? {} : { reasoning_content: thoughts }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function textOf(part: { readonly type: string; readonly text?: string }): string {
  if (part.type === "text" && part.text !== undefined) return part.text;
  throw unsupported(part.type);
}

function resultText(output: LanguageModelV4ToolResultOutput): string {
  switch (output.type) {
    case "text":
    case "error-text":
      return output.value;
    case "json":
    case "error-json":
      return JSON.stringify(output.value);
    case "execution-denied":
      return output.reason ?? "The call was not allowed.";
    case "content":
      return output.value.map((part) => textOf(part)).join("");
  }
}

function unsupported(type: string): MlcError {
  return new MlcError(
    "ERR_UNSUPPORTED_FIELD",
    `Expected text in the messages but received a part of type ${type}.`,
    {
      details: { field: type },
    },
  );
}
