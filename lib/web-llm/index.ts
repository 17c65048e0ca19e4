/** web-llm's engine over compiled packages: "node-mlc/web-llm". Programs written for @mlc-ai/web-llm run with the import changed. */

export type { InitProgressReport } from "../engine/engine-config.js";
export type { LogitProcessor } from "../engine/logit-processor.js";
export type { AppConfig, ChatOptions, ModelRecord } from "./app-config.js";
export {
  CreateMLCEngine,
  type InitProgressCallback,
  MLCEngine,
  type MLCEngineConfig,
} from "./mlc-engine.js";
