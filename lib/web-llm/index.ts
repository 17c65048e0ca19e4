/** web-llm's engine over compiled packages: "node-mlc/web-llm". Programs written for @mlc-ai/web-llm run with the import changed. */

export type { InitProgressReport } from "../engine/engine-config.js";
export type { LogitProcessor } from "../engine/logit-processor.js";
export { type AppConfig, type ChatOptions, type ModelRecord, prebuiltAppConfig } from "./app-config.js";
export type { ChatBody as ChatCompletionRequest } from "./loaded-model.js";
export {
  CreateMLCEngine,
  type InitProgressCallback,
  type LogLevel,
  MLCEngine,
  type MLCEngineConfig,
  type MLCEngineInterface,
} from "./mlc-engine.js";
export type * from "./openai-names.js";
export { hasModelInCache } from "./package-cache.js";
export {
  CreateExtensionServiceWorkerMLCEngine,
  CreateServiceWorkerMLCEngine,
  CreateWebWorkerMLCEngine,
  deleteChatConfigInCache,
  deleteModelAllInfoInCache,
  deleteModelInCache,
  deleteModelWasmInCache,
} from "./refused.js";
