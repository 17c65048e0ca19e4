/** The native side, loaded when the first engine is: importing the package must not need the addon. */
import type { NativeEngine, NativeEngineConfig, NativeEvent } from "../ffi/native-engine.js";

/** What an engine needs of the native side; a test brings its own. */
export interface NativeRuntime {
  /** LLVM names of the features the running CPU and system support. */
  cpuFeatures(): readonly string[];
  /** NativeEngine.load. */
  load(
    config: NativeEngineConfig,
    onEvents: (events: readonly NativeEvent[]) => void,
    onProgress: (done: number, total: number, phase: string) => void,
  ): Promise<NativeEngine>;
  /** Lets go of what was started where nothing is loaded after all. */
  release?(): Promise<void>;
}

/** The addon's runtime. Errors: ERR_NATIVE, ERR_RUNTIME_MISMATCH where the addon does not load. */
export async function nativeRuntime(): Promise<NativeRuntime> {
  const { cpuFeatures, NativeEngine } = await import("../ffi/index.js");
  return {
    cpuFeatures,
    load: (config, onEvents, onProgress) => NativeEngine.load(config, onEvents, onProgress),
  };
}
