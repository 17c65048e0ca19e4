/** What an engine needs of the native side, in this thread. */
import { type DeviceRuntime, listDevices, loadDeviceRuntime, type RuntimeDevice } from "./device-runtime.js";
import { native } from "./native.js";
import { NativeEngine, type NativeEngineConfig, type NativeEvent } from "./native-engine.js";

/** The native side; a test brings its own. */
export interface NativeRuntime {
  /** LLVM names of the features the running CPU and system support. */
  cpuFeatures(): readonly string[];
  /** The devices of a runtime (listDevices); absent where there is none but the CPU. */
  devices?(runtime: DeviceRuntime): Promise<readonly RuntimeDevice[]>;
  /** NativeEngine.load; the runtime of the device is loaded before. */
  load(
    config: NativeEngineConfig,
    onEvents: (events: readonly NativeEvent[]) => void,
    onProgress: (done: number, total: number, phase: string) => void,
  ): Promise<NativeEngine>;
  /** Lets go of what was started where nothing is loaded after all. */
  release?(): Promise<void>;
}

/** The addon's runtime. */
export const addonRuntime: NativeRuntime = {
  cpuFeatures: () => native.cpuFeatures(),
  devices: async (runtime) => listDevices(runtime),
  load: async (config, onEvents, onProgress) => {
    for (const model of [config, config.speculation?.model])
      if (model?.device !== undefined) loadDeviceRuntime(model.device.type);
    return NativeEngine.load(config, onEvents, onProgress);
  },
};
