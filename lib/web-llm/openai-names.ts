/** web-llm's names of OpenAI's types. */
export type { ChatMessage as ChatCompletionMessageParam } from "../chat/message.js";
export type {
  FunctionToolCall as ChatCompletionMessageToolCall,
  Tool as ChatCompletionTool,
} from "../chat/tool-call.js";
export type { CreateEmbeddingResponse, EmbeddingCreateParams } from "../engine/embedding-types.js";
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams as ChatCompletionRequestBase,
  ChatCompletionMessage,
  Completion,
  CompletionCreateParams,
  CompletionUsage,
  ResponseFormat,
  ToolChoice as ChatCompletionToolChoiceOption,
} from "../engine/openai-types.js";
