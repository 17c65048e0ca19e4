// Reads which layers attend to a sliding window: position p sees `sliding_window` positions, its own included (as in transformers).
import { MlcError } from "../../errors.js";
import type { HuggingFaceConfig } from "./architecture.js";
import type { DecoderConfig } from "./decoder-config.js";
import { readCount } from "./hugging-face-config.js";

/** Values of `layer_types` in config.json. */
const LAYER_TYPES = { sliding_attention: true, full_attention: false } as const;

/** Whether a layer has a window, where config.json does not name each layer's type. */
export type SlidingLayers = (layer: number) => boolean;

/**
 * The windows of the layers; none where `sliding_window` is absent or null.
 * @throws MlcError ERR_INVALID_MODEL for a window or a list of layers that is none, ERR_UNSUPPORTED_FIELD for other types of layers.
 */
export function readWindows(
  config: HuggingFaceConfig,
  slides: SlidingLayers,
): Pick<DecoderConfig, "windows"> {
  if (config.sliding_window == null) return {};
  const window = readCount(config, "sliding_window");
  const layers = readCount(config, "num_hidden_layers");
  const types = readLayerTypes(config, layers);
  const windows = Array.from({ length: layers }, (_, layer) =>
    (types?.[layer] ?? slides(layer)) ? window : undefined,
  );
  return windows.some((size) => size !== undefined) ? { windows } : {};
}

/** The same for Qwen, whose window is off unless `use_sliding_window`, and then begins at layer `max_window_layers`. */
export function readQwenWindows(config: HuggingFaceConfig): Pick<DecoderConfig, "windows"> {
  if (config.use_sliding_window !== true) return {};
  const first = config.max_window_layers ?? 28;
  if (typeof first !== "number" || !Number.isInteger(first) || first < 0)
    throw new MlcError(
      "ERR_INVALID_MODEL",
      `Expected a number of layers for max_window_layers in config.json but received ${JSON.stringify(first)}.`,
    );
  return readWindows(config, (layer) => layer >= first);
}

function readLayerTypes(config: HuggingFaceConfig, layers: number): readonly boolean[] | undefined {
  const types: unknown = config.layer_types ?? undefined;
  if (types === undefined) return undefined;
  if (!Array.isArray(types) || types.length !== layers)
    throw new MlcError(
      "ERR_INVALID_MODEL",
      `Expected a list of ${layers} types for layer_types in config.json but received ${JSON.stringify(types)}.`,
    );
  return types.map((type: unknown) => {
    if (type === "sliding_attention" || type === "full_attention") return LAYER_TYPES[type];
    throw new MlcError(
      "ERR_UNSUPPORTED_FIELD",
      `Expected ${Object.keys(LAYER_TYPES).join(" or ")} in layer_types of config.json but received ${JSON.stringify(type)}: other kinds of attention are not implemented.`,
      { details: { field: "layer_types", value: type } },
    );
  });
}
