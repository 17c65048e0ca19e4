/** Names of element types: "float32", "int8x64". Pure text, so that expressions check their operands without asking TVM. */
import { MlcError } from "../../errors.js";

/** A data type taken apart. */
export interface DtypeParts {
  /** Type of one lane, such as "float32". */
  readonly element: string;
  readonly lanes: number;
  /** Bits of one lane. */
  readonly bits: number;
  readonly kind: "float" | "int" | "uint" | "bool";
}

const NAME = /^(?:(float|int|uint)(\d+)|(bool))(?:x(\d+))?$/;
const known = new Map<string, DtypeParts>();

/** Takes a name apart; throws ERR_INVALID_ARGUMENT for a name that is no type. */
export function dtypeParts(name: string): DtypeParts {
  const found = known.get(name);
  if (found !== undefined) return found;
  const match = NAME.exec(name);
  if (match === null) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a data type such as "float32" or "int8x64" but received "${name}".`,
    );
  }
  const [, kind = "bool", bits = "8", bool, lanes = "1"] = match;
  const parts: DtypeParts = {
    element: bool ?? `${kind}${bits}`,
    lanes: Number(lanes),
    bits: Number(bits),
    kind: kind as DtypeParts["kind"],
  };
  known.set(name, parts);
  return parts;
}

/** `element` with `lanes` lanes: ("float32", 16) is "float32x16", ("float32", 1) is "float32". */
export function withLanes(element: string, lanes: number): string {
  return lanes === 1 ? element : `${element}x${lanes}`;
}
