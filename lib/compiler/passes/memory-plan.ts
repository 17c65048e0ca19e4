// Reads the static memory plan back from a planned module: how many bytes of temporaries each function needs.

import { MlcError } from "../../errors.js";
import { FfiObject } from "../../ffi/index.js";
import { functionsOf, isPrimFunc, objectField, textField } from "../ir/ir-module.js";

/** Bytes of temporary storage per Relax function (outputs are allocated apart), upper bounds filled in. */
export type TemporaryBytes = ReadonlyMap<string, number>;

/**
 * @param module after the phase `plan`.
 * @throws MlcError ERR_COMPILE where a storage has no bound: a symbolic size without `tir_var_upper_bound`.
 */
export function temporaryBytes(module: FfiObject): TemporaryBytes {
  const relaxFunctions = [...functionsOf(module)].filter(([, func]) => !isPrimFunc(func));
  return new Map(
    relaxFunctions.map(([name, func]) => [
      name,
      bindingValues(func)
        .filter(isStorageAllocation)
        .reduce((sum, allocation) => sum + storageBytes(allocation, name), 0),
    ]),
  );
}

function bindingValues(func: FfiObject): FfiObject[] {
  const blocks = nodes(objectField(func, "body")?.field("blocks"));
  const bindings = blocks.flatMap((block) => nodes(block.field("bindings")));
  return bindings.flatMap((binding) => nodes([binding.field("value")]));
}

/** The object elements of an array field. */
function nodes(value: unknown): FfiObject[] {
  return Array.isArray(value) ? value.filter((element) => element instanceof FfiObject) : [];
}

function isStorageAllocation(value: FfiObject): boolean {
  if (value.typeKey !== "ir.Call") return false;
  const operator = objectField(value, "op");
  return operator?.typeKey === "ir.Op" && textField(operator, "name") === "relax.memory.alloc_storage";
}

function storageBytes(allocation: FfiObject, functionName: string): number {
  const [size] = nodes(allocation.field("args"));
  const dimensions = nodes(size?.field("values"));
  return dimensions.reduce((product, dimension) => {
    const extent = dimension.typeKey === "ir.IntImm" ? Number(dimension.field("value")) : Number.NaN;
    if (!Number.isSafeInteger(extent))
      throw new MlcError(
        "ERR_COMPILE",
        `Expected every temporary of "${functionName}" to have a static bound but received a symbolic size.`,
        { details: { functionName } },
      );
    return product * extent;
  }, 1);
}
