// Which format each weight gets, and their way from the source through the packer into the package, one at a time.
import type { PackageWriter } from "../package/package-writer.js";
import { paramLayout } from "../package/weight-shards.js";
import type { CompileProgress } from "./compile-options.js";
import { requireTensor } from "./importer/imported-model.js";
import { isEncoder, modelParameters } from "./models/model-config.js";
import { GATE_AND_UP, layerPrefix, type ParameterSpec } from "./models/parameters.js";
import { canAlternate } from "./quantization/alternating-rows.js";
import type { WeightFormat } from "./quantization/format.js";
import { type PackedLoss, type ParamFormat, packTensor } from "./quantization/pack-rows16.js";
import { chooseFormat, type QuantizationScheme } from "./quantization/scheme.js";
import { parameterSource, type SourceModel } from "./source-model.js";

/** Every weight of a package with its format, in parameter order. */
export interface WeightPlan {
  readonly scheme: QuantizationScheme;
  readonly parameters: readonly PlannedParameter[];
  /** Formats of the matrices by name. */
  readonly formats: ReadonlyMap<string, WeightFormat>;
  /** Bytes of all packed weights. */
  readonly bytes: number;
  /** One line for each tensor that does not get the scheme's format. */
  readonly notices: readonly string[];
}

export interface PlannedParameter extends ParameterSpec {
  readonly format: ParamFormat;
}

/**
 * Chooses formats and checks that the source has every parameter in the shape its configuration says.
 * @throws MlcError as `parameterSource`.
 */
export function chooseFormats(model: SourceModel, scheme: QuantizationScheme): WeightPlan {
  const notices: string[] = [];
  const alternating = (layer: number) => gateAndUpAlternate(model, layer);
  const parameters = modelParameters(model.config, alternating).map((parameter): PlannedParameter => {
    const { format, notice } = chooseFormat(scheme, parameterSource(model, parameter));
    if (notice !== undefined) notices.push(notice);
    return { ...parameter, format };
  });
  const formats = new Map<string, WeightFormat>();
  for (const { name, format } of parameters) if (format !== "vector") formats.set(name, format);
  const bytes = parameters.reduce((sum, parameter) => sum + paramLayout(spec(parameter)).bytes, 0);
  return { scheme, parameters, formats, bytes, notices };
}

/** Gate and up projection of one type are one parameter; a source may have them in two, which must be kept bit for bit. */
function gateAndUpAlternate({ imported, config }: SourceModel, layer: number): boolean {
  if (isEncoder(config)) return false;
  const shape = [config.intermediateSize, config.hiddenSize];
  return canAlternate(
    GATE_AND_UP.map((name) => requireTensor(imported, `${layerPrefix(layer)}.${name}.weight`, shape)),
  );
}

function spec({ name, shape, format }: PlannedParameter) {
  return { name, shape: [...shape], format };
}

/** Losses above this are reported one by one: the tensor changed its kind of format. */
const NOTABLE_LOSS = 1e-9;

/** Packs every weight into the package; progress in bytes of the packed weights. */
export async function addWeights(
  writer: PackageWriter,
  model: SourceModel,
  plan: WeightPlan,
  onProgress: (event: CompileProgress) => void,
): Promise<void> {
  let written = 0;
  const losses: PackedLoss[] = [];
  for (const parameter of plan.parameters) {
    const source = parameterSource(model, parameter);
    const bytes = paramLayout(spec(parameter)).bytes;
    const chunks = packTensor(source, parameter.format, {
      onLoss: (loss) => losses.push(loss),
      onProgress: (done, total) =>
        onProgress({
          phase: "weights",
          done: written + Math.floor((bytes * done) / total),
          total: plan.bytes,
        }),
    });
    await writer.addParam(spec(parameter), chunks);
    written += bytes;
    onProgress({ phase: "weights", done: written, total: plan.bytes });
  }
  for (const note of lossNotes(losses))
    onProgress({ phase: "weights", done: written, total: plan.bytes, note });
}

/** The loss by pair of formats: how many tensors, the mean and the worst relative error. */
export function lossNotes(losses: readonly PackedLoss[]): string[] {
  const groups = new Map<string, PackedLoss[]>();
  for (const loss of losses) {
    if (loss.relativeError <= NOTABLE_LOSS) continue;
    const key = `${loss.from} to ${loss.to}`;
    groups.set(key, [...(groups.get(key) ?? []), loss]);
  }
  const percent = (value: number) => `${(value * 100).toPrecision(2)} %`;
  return [...groups].map(([key, group]) => {
    const errors = group.map(({ relativeError }) => relativeError);
    const mean = errors.reduce((sum, value) => sum + value, 0) / errors.length;
    const worst = group.find(({ relativeError }) => relativeError === Math.max(...errors));
    return `${key}: ${group.length} tensors, mean error ${percent(mean)}, worst ${percent(worst?.relativeError ?? 0)} (${worst?.tensor})`;
  });
}
