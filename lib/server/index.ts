/** Serving models over HTTP: "node-mlc/server". */
export type { ApiKey } from "./api-keys.js";
export { createHandler, type Handler, type HandlerOptions } from "./handler.js";
export { DEFAULT_PORT, type RunningServer, type ServeOptions, serve } from "./listen.js";
export type { ModelLease, ModelPool, ModelPoolOptions, ModelStatus, ServedModel } from "./model-pool.js";
export type { OriginOptions } from "./origin-guard.js";
export type { RequestLimits } from "./request-context.js";
