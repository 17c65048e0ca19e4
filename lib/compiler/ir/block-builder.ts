// Builds an IRModule function by function through TVM's BlockBuilder, which normalises expressions and infers types.
import { call, type FfiObject } from "../../ffi/index.js";
import { type Attributes, dictAttrs } from "./attributes.js";

/** Adds one binding to the function being built and returns its variable. */
export type Emit = (expression: FfiObject, name: string) => FfiObject;

export class BlockBuilder {
  readonly #builder: FfiObject;
  readonly #primFuncs = new Map<string, FfiObject>();

  /** @param module functions to start from; empty where absent. */
  constructor(module: FfiObject | null = null) {
    this.#builder = call("relax.BlockBuilderCreate", module);
  }

  /**
   * Adds a tensor program once. `key` says everything the program depends on, so that layers of equal shape share it.
   * @returns the GlobalVar to call it by.
   */
  primFunc(key: string, make: () => FfiObject): FfiObject {
    const known = this.#primFuncs.get(key);
    if (known !== undefined) return known;
    const variable: FfiObject = call("relax.BlockBuilderAddFunction", this.#builder, make(), key);
    this.#primFuncs.set(key, variable);
    return variable;
  }

  /**
   * Adds a pure Relax function of one dataflow block.
   * @param body emits the bindings and returns the result.
   */
  relaxFunction(
    name: string,
    parameters: readonly FfiObject[],
    attributes: Attributes,
    body: (emit: Emit) => FfiObject,
  ): void {
    const builder = this.#builder;
    call("relax.BlockBuilderBeginScope", builder, [...parameters]);
    call("relax.BlockBuilderBeginDataflowBlock", builder);
    const result = body((expression, hint) => call("relax.BlockBuilderEmit", builder, expression, hint));
    const output = call("relax.BlockBuilderEmitOutput", builder, result, "");
    const block = call("relax.BlockBuilderEndBlock", builder);
    this.#addFunction(name, parameters, attributes, call("relax.SeqExpr", [block], output, null));
    call("relax.BlockBuilderEndScope", builder);
  }

  /** Adds a function without parameters that returns a constant. */
  constantFunction(name: string, value: FfiObject): void {
    const builder = this.#builder;
    call("relax.BlockBuilderBeginScope", builder, []);
    call("relax.BlockBuilderBeginBindingBlock", builder);
    const block = call("relax.BlockBuilderEndBlock", builder);
    this.#addFunction(name, [], {}, call("relax.SeqExpr", [block], value, null));
    call("relax.BlockBuilderEndScope", builder);
  }

  #addFunction(
    name: string,
    parameters: readonly FfiObject[],
    attributes: Attributes,
    sequence: FfiObject,
  ): void {
    const builder = this.#builder;
    call("relax.BlockBuilderBeginScope", builder, [...parameters]);
    const body = call("relax.BlockBuilderNormalize", builder, sequence);
    call("relax.BlockBuilderEndScope", builder);
    const attrs = dictAttrs({ global_symbol: name, ...attributes });
    const func = call("relax.Function", [...parameters], body, null, true, attrs, null);
    call("relax.BlockBuilderAddFunction", builder, func, name);
  }

  /** The finished module. The builder must not be used after it. */
  finish(): FfiObject {
    return call("relax.BlockBuilderFinalize", this.#builder);
  }
}
