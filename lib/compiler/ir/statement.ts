/**
 * Statements. A `Block` collects the statements of one scope in order; loops and branches take a function that fills the
 * block inside. Nothing is changed afterwards: a finished block is a TVM statement.
 */
import { MlcError } from "../../errors.js";
import { call, type FfiObject } from "../../ffi/index.js";
import { Buffer, type IndexDtype } from "./buffer.js";
import { asExpr, type ExprLike, PrimExpr, variable } from "./prim-expr.js";

/** TVM's ForKind. */
const LOOP_KINDS = { serial: 0, parallel: 1, vectorized: 2, unrolled: 3, thread: 4 } as const;
type LoopKind = keyof typeof LOOP_KINDS;

/** The hardware indices of a kernel for a GPU: a block of a launch, or a thread of a block. */
export type ThreadTag = "blockIdx.x" | "blockIdx.y" | "blockIdx.z" | "threadIdx.x";

/** TVM's IterVar kind of a loop that hardware runs. */
const THREAD_INDEX = 1;

/** Fills the body of a loop with index `index`, from 0. */
export type LoopBody = (block: Block, index: PrimExpr) => void;

/** One scope of a kernel. */
export class Block {
  readonly #index: IndexDtype;
  readonly #statements: FfiObject[] = [];
  /** LLVM IR. */
  #functions = "";

  /** @param index type of loops, and of the sizes and indices of the memory of this block and those inside. */
  constructor(index: IndexDtype = "int64") {
    this.#index = index;
  }

  /** Writes a value, of one lane or several consecutive ones; the type must be the buffer's. */
  store(buffer: Buffer, value: ExprLike, ...indices: ExprLike[]): void {
    const expr = typeof value === "number" ? asExpr(value, buffer.dtype) : value;
    if (expr.element !== buffer.dtype) {
      throw new MlcError(
        "ERR_COMPILE",
        `Expected ${buffer.dtype} to store to buffer ${buffer.name} but received ${expr.dtype}: cast the value.`,
      );
    }
    const access = buffer.access(expr.lanes, indices);
    this.#statements.push(call("tirx.BufferStore", buffer.handle, expr.handle, access, null));
  }

  /** Computes a value once and names it, for the rest of this block. */
  bind(name: string, value: PrimExpr): PrimExpr {
    const bound = new PrimExpr(call("ir.Var", name, call("ir.PrimType", value.dtype), null), value.dtype);
    this.#statements.push(call("tirx.Bind", bound.handle, value.handle, null));
    return bound;
  }

  /**
   * Memory of this scope, `shape` elements, undefined at first. Below 1 KB it is on the stack, in registers once every index is a
   * constant; beyond, or with a symbolic size, it comes from the thread's workspace pool.
   */
  local(name: string, shape: ExprLike | readonly ExprLike[], dtype = "float32"): Buffer {
    const sizes = Array.isArray(shape) ? shape : [shape];
    // Not TVM's scope "local", which is workspace memory at any size on CPU.
    return this.#allocate(new Buffer(name, sizes, dtype, this.#index));
  }

  serial(name: string, extent: ExprLike, body: LoopBody): void {
    this.#loop("serial", name, extent, body);
  }

  /** Iterations are divided among the threads in contiguous ranges; they must not depend on one another. */
  parallel(name: string, extent: ExprLike, body: LoopBody): void {
    this.#loop("parallel", name, extent, body);
  }

  /** Each iteration becomes one lane of the scalar code inside. */
  vectorized(name: string, extent: number, body: LoopBody): void {
    this.#loop("vectorized", name, extent, body);
  }

  /** Written out by the compiler: indices become constants. */
  unrolled(name: string, extent: number, body: LoopBody): void {
    this.#loop("unrolled", name, extent, body);
  }

  /** Of kernels for GPUs: iterations are the launch's blocks, or the threads of a block, in no order. */
  threads(tag: ThreadTag, extent: ExprLike, body: LoopBody): void {
    this.#loop("thread", tag, extent, body);
  }

  /** Of kernels for GPUs: memory of this thread, in registers once every index is a constant. */
  registers(name: string, size: number, dtype = "float32"): Buffer {
    return this.#allocate(new Buffer(name, [size], dtype, this.#index, "local"));
  }

  /** Of kernels for GPUs: memory that the threads of a block share. */
  shared(name: string, size: number, dtype = "float32"): Buffer {
    return this.#allocate(new Buffer(name, [size], dtype, this.#index, "shared"));
  }

  /** Of kernels for GPUs: waits until all threads of the block are here, and what they wrote to shared memory is seen. All must come. */
  synchronize(): void {
    const scope = call("ir.StringImm", "shared", null);
    const barrier = call("ir.GetOp", "tirx.tvm_storage_sync");
    const node = call("ir.Call", call("ir.PrimType", "void"), barrier, [scope], null, [], null);
    this.#statements.push(call("tirx.Evaluate", node, null));
  }

  if(condition: PrimExpr, whenTrue: (block: Block) => void, whenFalse?: (block: Block) => void): void {
    const otherwise = whenFalse === undefined ? null : this.#filled(whenFalse);
    this.#statements.push(call("tirx.IfThenElse", condition.handle, this.#filled(whenTrue), otherwise, null));
  }

  /** Asks the processor to bring the cache line of an element near; an index beyond the buffer is allowed. */
  prefetch(buffer: Buffer, ...indices: ExprLike[]): void {
    const element = call("tirx.BufferLoad", buffer.handle, buffer.access(1, indices), null);
    const pointer = call("ir.PointerType", call("ir.PrimType", buffer.dtype), "global");
    const address = call("ir.Call", pointer, call("ir.GetOp", "tirx.address_of"), [element], null, [], null);
    // For reading, into all levels, data.
    const operands = [0, 3, 1].map((value) => call("ir.IntImm", "int32", value, null));
    const nothing = call("ir.PrimType", "void");
    const id = call("ir.IntImm", "uint32", call("target.llvm_lookup_intrinsic_id", "llvm.prefetch"), null);
    const intrinsic = call("ir.GetOp", "tirx.call_llvm_intrin");
    const node = call("ir.Call", nothing, intrinsic, [id, address, ...operands], null, [], null);
    this.#statements.push(call("tirx.Evaluate", node, null));
  }

  /** Gives `llvmFunction` the functions of this LLVM IR text, within this block. They are inlined where they are called. */
  importLlvm(code: string): void {
    this.#functions += code;
  }

  /** The statements as one; an empty block is refused (ERR_COMPILE). */
  finish(): FfiObject {
    const statement = this.#sequence();
    if (this.#functions === "") return statement;
    const code = call("ir.StringImm", this.#functions, null);
    return call("tirx.AttrStmt", code, "pragma_import_llvm", code, statement, null);
  }

  #allocate(buffer: Buffer): Buffer {
    this.#statements.push(call("tirx.AllocBuffer", buffer.handle, null, null));
    return buffer;
  }

  #sequence(): FfiObject {
    const [first, ...rest] = this.#statements;
    if (first === undefined) {
      throw new MlcError("ERR_COMPILE", "Expected at least one statement in a block but received none.");
    }
    return rest.length === 0 ? first : call("tirx.SeqStmt", [first, ...rest], null);
  }

  #loop(kind: LoopKind, name: string, extent: ExprLike, body: LoopBody): void {
    const index = variable(name, this.#index);
    const size = asExpr(extent, this.#index);
    const zero = asExpr(0, this.#index);
    const inside = this.#filled((block) => body(block, index));
    const hardware =
      kind === "thread"
        ? call("tirx.IterVar", null, variable(name, this.#index).handle, THREAD_INDEX, name, null)
        : null;
    this.#statements.push(
      call(
        "tirx.For",
        index.handle,
        zero.handle,
        size.handle,
        LOOP_KINDS[kind],
        inside,
        hardware,
        {},
        null,
        null,
      ),
    );
  }

  #filled(fill: (block: Block) => void): FfiObject {
    const block = new Block(this.#index);
    fill(block);
    return block.finish();
  }
}
