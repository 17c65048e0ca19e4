/** An engine for the renderers of an Electron app, the side that has the engine: "node-mlc/electron". */
export type { AnyMessagePort } from "./port.js";
export { type ServedEngine, serveEngine } from "./serve-engine.js";
