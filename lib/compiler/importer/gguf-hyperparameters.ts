// The keys of a GGUF file that begin with the architecture's name.
import { MlcError } from "../../errors.js";
import type { GgufMetadata } from "./gguf-metadata.js";
import { malformed } from "./malformed-file.js";

/** Most entries of a list with one number per layer. */
const MOST_LAYERS = 4096;

/** Reads the keys below the architecture's name. Errors: ERR_INVALID_MODEL, ERR_UNSUPPORTED_ARCHITECTURE for what is refused. */
export class HyperparameterReader {
  readonly metadata: GgufMetadata;
  readonly #prefix: string;

  constructor(metadata: GgufMetadata) {
    this.metadata = metadata;
    this.#prefix = metadata.text("general.architecture") ?? "";
  }

  key(name: string): string {
    return `${this.#prefix}.${name}`;
  }

  /** A natural number; a list with one number per layer is accepted where all are equal. */
  count(name: string): number | undefined {
    const key = this.key(name);
    if (!this.metadata.isArray(key)) return this.metadata.natural(key);
    const values = this.metadata.numbers(key, MOST_LAYERS) ?? [];
    const [first] = values;
    if (first === undefined || values.some((value) => value !== first))
      throw new MlcError(
        "ERR_UNSUPPORTED_ARCHITECTURE",
        `Expected one value of ${key} for all layers in ${this.metadata.where} but received ${values.slice(0, 8).join(", ")}…: layers of different shapes are not implemented.`,
      );
    return first;
  }

  required(name: string): number {
    const value = this.count(name);
    if (value === undefined || value < 1)
      throw malformed(this.metadata.where, `a positive number for the key ${this.key(name)}`, value);
    return value;
  }

  requiredNumber(name: string): number {
    const value = this.metadata.number(this.key(name));
    if (value === undefined || value <= 0)
      throw malformed(this.metadata.where, `a positive number for the key ${this.key(name)}`, value);
    return value;
  }

  refuse(name: string, isRefused: (value: number) => boolean): void {
    const value = this.count(name);
    if (value === undefined || !isRefused(value)) return;
    throw new MlcError(
      "ERR_UNSUPPORTED_ARCHITECTURE",
      `Expected a plain model in ${this.metadata.where} but received ${this.key(name)} = ${value}: this variant is not implemented.`,
    );
  }
}
