// Runs the functions of a compiled decoder without the engine: a page table in TypeScript, one call a step.

import type { ModelConfig } from "../../lib/compiler/models/model-config.js";
import { type FfiFunction, FfiModule, Tensor, useThreads } from "../../lib/ffi/index.js";
import { type KvDtype, kvRecordSize } from "../../lib/package/kv-format.js";

const PAGE = 16;

// As in an engine.
useThreads(2);

/** Where the functions run, and how tensors get there and back. */
export interface Placement {
  /** DLPack's number of the device. */
  readonly deviceType: number;
  parameter(tensor: Tensor): Tensor;
  pages(tensor: Tensor): Tensor;
  input(tensor: Tensor): Tensor;
  result(tensor: Tensor): Tensor;
}

const same = (tensor: Tensor): Tensor => tensor;
const CPU: Placement = { deviceType: 1, parameter: same, pages: same, input: same, result: same };

/** Rows of one sequence in a step: token ids that follow what the sequence already holds. */
export interface StepRows {
  readonly sequence: number;
  readonly tokens: readonly number[];
  /** Which of the rows' logits to return, relative to `tokens`; default all. */
  readonly logits?: readonly number[];
}

export class DecoderRunner {
  readonly #vm: FfiModule;
  readonly #functions = new Map<string, FfiFunction>();
  readonly #config: ModelConfig;
  readonly #params: readonly Tensor[];
  readonly #placement: Placement;
  readonly #pages: Tensor;
  readonly #pageTable = new Map<number, number[]>();
  readonly #lengths = new Map<number, number>();
  #freePages: number[];

  constructor(
    executable: FfiModule,
    config: ModelConfig,
    params: readonly Tensor[],
    kvDtype: KvDtype,
    pages = 64,
    placement = CPU,
  ) {
    const vm = executable.getFunction("vm_load_executable").call();
    if (!(vm instanceof FfiModule)) throw new Error("expected a virtual machine");
    const { deviceType } = placement;
    vm.getFunction("vm_initialization").call(...(deviceType === 1 ? [1, 0, 2] : [deviceType, 0, 2, 1, 0, 2]));
    this.#vm = vm;
    this.#config = config;
    this.#placement = placement;
    this.#params = params.map((tensor) => placement.parameter(tensor));
    const shape = [pages, config.layers, 2, config.keyValueHeads, kvRecordSize(kvDtype, config.headDim)];
    const empty = Tensor.empty(shape, kvDtype);
    // Garbage that a correct kernel never reads: NaN would show.
    empty.bytes().fill(0xff);
    this.#pages = placement.pages(empty);
    // Pages are handed out in a mixed order, as they are in a busy engine.
    this.#freePages = Array.from({ length: pages }, (_, i) => (i * 37 + 11) % pages);
  }

  /** One step; logits (of `encode` hidden rows) row by row. `name` is the compiled function to use. */
  step(
    name: "decode" | "batch_decode" | "batch_prefill" | "encode",
    rows: readonly StepRows[],
  ): Float32Array[] {
    const ids: number[] = [];
    const positions: number[] = [];
    const qIndptr = [0];
    const pageIndptr = [0];
    const pageIndices: number[] = [];
    const logitRows: number[] = [];
    for (const { sequence, tokens, logits } of rows) {
      const start = this.#lengths.get(sequence) ?? 0;
      for (const row of logits ?? tokens.keys()) logitRows.push(ids.length + row);
      tokens.forEach((token, i) => {
        ids.push(token);
        positions.push(start + i);
      });
      this.#lengths.set(sequence, start + tokens.length);
      qIndptr.push(ids.length);
      pageIndices.push(...this.#reserve(sequence, start + tokens.length));
      pageIndptr.push(pageIndices.length);
    }
    const input = (values: readonly number[]) => this.#placement.input(int32(values));
    const hidden = this.#function("embed").call(input(ids), [...this.#params]) as Tensor;
    const result = this.#function(name).call(
      hidden,
      input(qIndptr),
      input(positions),
      input(pageIndptr),
      input(pageIndices),
      input(logitRows),
      this.#pages,
      [...this.#params],
    ) as Tensor;
    const { hiddenSize, vocabSize } = this.#config;
    return splitRows(this.#placement.result(result), name === "encode" ? hiddenSize : vocabSize);
  }

  /** The text a function without arguments returns. */
  text(name: string): string {
    return String(this.#vm.getFunction(name).call());
  }

  #function(name: string): FfiFunction {
    const known = this.#functions.get(name) ?? this.#vm.getFunction(name);
    this.#functions.set(name, known);
    return known;
  }

  #reserve(sequence: number, length: number): number[] {
    const table = this.#pageTable.get(sequence) ?? [];
    this.#pageTable.set(sequence, table);
    while (table.length * PAGE < length) {
      const page = this.#freePages.pop();
      if (page === undefined) throw new Error("the test's page pool is too small");
      table.push(page);
    }
    return table;
  }
}

function int32(values: readonly number[]): Tensor {
  return Tensor.from(Int32Array.from(values), [values.length], "int32");
}

function splitRows(logits: Tensor, width: number): Float32Array[] {
  const values = Float32Array.from(logits.view() as Float32Array);
  return Array.from({ length: values.length / width }, (_, row) =>
    values.subarray(row * width, (row + 1) * width),
  );
}
