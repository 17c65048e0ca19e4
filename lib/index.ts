/** The engine's public API. The compiler's is "node-mlc/compiler". */
export type {
  AssistantMessage,
  ChatContent,
  ChatMessage,
  ChatRole,
  FunctionMessage,
  OtherContentPart,
  RefusalContentPart,
  SpokenMessage,
  TextContentPart,
  ToolMessage,
} from "./chat/message.js";
export type {
  CustomTool,
  CustomToolCall,
  FunctionTool,
  FunctionToolCall,
  Tool,
  ToolCall,
} from "./chat/tool-call.js";
export type { ChatCompletionStream, ChatCompletions } from "./engine/chat-completions.js";
export type { ChatParseParams, ParsedChatCompletion } from "./engine/chat-parse.js";
export type { CompletionStream } from "./engine/completion-stream.js";
export type { Completions } from "./engine/completions.js";
export type { DeviceOption, EngineDevice } from "./engine/device-choice.js";
export {
  type CpuDevice,
  type DeviceInfo,
  type DriverDevice,
  devices,
  type MissingDevice,
  setDeviceCache,
} from "./engine/devices.js";
export type {
  CreateEmbeddingResponse,
  EmbeddingCallOptions,
  EmbeddingCreateParams,
  EmbeddingInput,
  EmbeddingSettings,
  EmbeddingTruncation,
  EmbeddingUsage,
} from "./engine/embedding-types.js";
export type { Embeddings } from "./engine/embeddings.js";
export { Engine, type EngineStats, type TokenizeOptions } from "./engine/engine.js";
export type { EngineOptions, InitProgressReport, LoadProgress } from "./engine/engine-config.js";
export type {
  FinishReason,
  Generation,
  GenerationChunk,
  GenerationResult,
  GenerationTimings,
  TokenLogprobs,
  Usage,
} from "./engine/generation.js";
export type { Grammar } from "./engine/grammar.js";
export type { CrashListener, Isolation } from "./engine/isolation-choice.js";
export type { LogitProcessor, LogitProcessorRegistry } from "./engine/logit-processor.js";
export type {
  CallOptions,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParams,
  ChatCompletionDelta,
  ChatCompletionMessage,
  ChatFinishReason,
  ChatLogprobs,
  Completion,
  CompletionChunk,
  CompletionCreateParams,
  CompletionFinishReason,
  CompletionUsage,
  ReasoningEffort,
  ReasoningParams,
  ResponseFormat,
  TextLogprobs,
  TokenLogprob,
  ToolCallDelta,
  ToolChoice,
  UsageExtra,
} from "./engine/openai-types.js";
export type { OverflowPolicy, Truncation } from "./engine/overflow.js";
export {
  type Labels,
  type MeasuredEngine,
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
} from "./engine/prometheus.js";
export type { Prompt } from "./engine/prompt.js";
export type { SpanAttribute, SpanTracer, TracerSpan } from "./engine/request-span.js";
export type { RerankParams, RerankResponse, RerankResult } from "./engine/rerank.js";
export type { ResponseStream } from "./engine/response-stream.js";
export type { Responses } from "./engine/responses.js";
export type {
  ResponseCreateParams,
  ResponseEcho,
  ResponseEvent,
  ResponseFunctionCall,
  ResponseFunctionCallOutput,
  ResponseInputItem,
  ResponseInputMessage,
  ResponseInputText,
  ResponseItemEvent,
  ResponseObject,
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseOutputText,
  ResponsePlace,
  ResponseReasoning,
  ResponseReasoningText,
  ResponseRefusal,
  ResponseStatus,
  ResponseStreamEvent,
  ResponseTextFormat,
  ResponseTool,
  ResponseToolChoice,
  ResponseUsage,
} from "./engine/responses-types.js";
export type { SamplingOptions } from "./engine/sampling-options.js";
export type { Session, SessionOptions } from "./engine/session.js";
export type { SpeculationOptions } from "./engine/speculation.js";
export type { GenerateOptions } from "./engine/text-generation.js";
export type { ThoughtOptions } from "./engine/thought.js";
export type { ToolRunStream } from "./engine/tool-run-stream.js";
export {
  defineTool,
  type RunnableTool,
  type ToolContext,
  type ToolDefinition,
  type ToolRun,
  type ToolRunEvent,
  type ToolRunOptions,
  type ToolRunParams,
} from "./engine/tool-runner.js";
export type { EngineTrace, TraceEvent } from "./engine/trace.js";
export type { SchemaIssue, SchemaResult, TypedSchema } from "./engine/typed-schema.js";
export { type ErrorCode, MlcError, type MlcErrorOptions } from "./errors.js";
export type { DeviceFeatures, DeviceRuntime } from "./ffi/index.js";
export type {
  EvaluateOptions,
  NativeHistogram,
  NativeHistograms,
  NativeLogprobs,
  NativePooling,
} from "./ffi/native-engine.js";
export type { Manifest } from "./package/manifest.js";
export type { MemoryPlan, MemoryPlanRequest } from "./package/memory-plan.js";
export { ModelPackage, type OpenPackageOptions } from "./package/model-package.js";
export type { EncodeOptions } from "./tokenizer/tokenizer.js";
