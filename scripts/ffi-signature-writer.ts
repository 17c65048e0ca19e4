// TVM's type schemas as TypeScript types (for generate-ffi-signatures.ts).

/** A type in TVM's metadata; `args` are element types, or for a function the result and the parameters. */
export interface Schema {
  readonly type: string;
  readonly args?: readonly Schema[];
}

/** Types that are the same whether passed or returned. */
const COMMON: Readonly<Record<string, string>> = {
  bool: "boolean",
  "ffi.String": "string",
  "std::string": "string",
  "const char*": "string",
  "ffi.Bytes": "Uint8Array",
  Device: "Device",
  "ffi.Module": "FfiModule",
  "ffi.Tensor": "Tensor",
  Object: "FfiObject",
  "ffi.Object": "FfiObject",
};

const PASSED: Readonly<Record<string, string>> = {
  int: "number | bigint",
  "ffi.BigInt": "number | bigint",
  float: "number | FfiFloat",
  Any: "FfiArgument",
  None: "null",
  DataType: "DType | string",
  "ffi.Function": "FfiFunction | FfiCallback",
  "ffi.Shape": "Shape | readonly number[]",
  "void*": "TypedArray | null",
  "DLTensor*": "Tensor",
  // TVM converts these itself.
  "ir.Expr": "ExprArg",
  "ir.PrimType": "PrimTypeArg",
};

const RETURNED: Readonly<Record<string, string>> = {
  int: "number",
  "ffi.BigInt": "number",
  float: "number",
  Any: "FfiValue",
  None: "null",
  void: "null",
  DataType: "string",
  "ffi.Function": "FfiFunction",
  "ffi.Shape": "number[]",
  "void*": "bigint | null",
};

const IMPORTS = [
  "Device",
  "DType",
  "FfiArgument",
  "FfiCallback",
  "FfiFloat",
  "FfiFunction",
  "FfiModule",
  "FfiObject",
  "FfiValue",
  "Shape",
  "Tensor",
  "TypedArray",
];

/** Renders signatures and collects the object types that functions return. */
export class SignatureWriter {
  readonly #returned = new Map<string, string>();
  readonly #used = new Set<string>(["DType", "FfiFloat", "FfiObject"]);
  readonly #ancestors: (typeKey: string) => readonly string[];

  /** @param ancestors type keys from a type itself up to the root. */
  constructor(ancestors: (typeKey: string) => readonly string[]) {
    this.#ancestors = ancestors;
  }

  /** `"name": (a0: T0, ...) => R;` */
  functionLine(name: string, schema: Schema | undefined): string {
    const [result, ...parameters] = schema?.args ?? [];
    if (result === undefined) {
      return this.#note(`  "${name}": (...args: FfiArgument[]) => FfiValue;`);
    }
    const list = parameters.map((type, index) => `a${index}: ${this.#passed(type)}`).join(", ");
    return this.#note(`  "${name}": (${list}) => ${this.#result(result)};`);
  }

  /** Imports and the reference type. Call after all functionLine(). */
  header(): string {
    return `import type { ${IMPORTS.filter((name) => this.#used.has(name)).join(", ")} } from "./value.js";

declare const typeKeys: unique symbol;

/**
 * A handle of TVM type \`K\`. Where both sides are known, passing a handle of an unrelated type does not compile; a plain
 * FfiObject is accepted everywhere and checked by TVM at the call.
 */
export type Ref<K extends string> = FfiObject & { readonly [typeKeys]?: { readonly [P in K]: true } };

/** A parameter of TVM type \`K\`. TVM's metadata does not say which references may be null: TVM checks at the call. */
export type Arg<K extends string> = Ref<K> | null;
/** A parameter that TVM makes an expression of: numbers become immediates. */
export type ExprArg = Arg<"ir.Expr"> | number | bigint | boolean | FfiFloat;
/** A parameter that TVM makes a scalar type of. */
export type PrimTypeArg = Arg<"ir.PrimType"> | DType | string;
`;
  }

  /** One alias for each returned object type, with its base types. */
  typeLines(): string[] {
    return [...this.#returned.values()].sort();
  }

  #note(line: string): string {
    for (const name of IMPORTS) if (new RegExp(`\\b${name}\\b`).test(line)) this.#used.add(name);
    return line;
  }

  #passed(schema: Schema): string {
    const [first, second] = schema.args ?? [];
    switch (schema.type) {
      case "Optional":
        return unite([this.#item(first), "null"]);
      case "Variant":
        return unite((schema.args ?? []).map((item) => this.#passed(item)));
      case "ObjectRValueRef":
        return this.#item(first);
      case "ffi.Array":
      case "ffi.List":
        return `readonly ${group(this.#item(first))}[]`;
      case "Tuple":
        return `readonly [${(schema.args ?? []).map((item) => this.#passed(item)).join(", ")}]`;
      case "ffi.Map":
      case "ffi.Dict": {
        const [key, value] = [this.#item(first), this.#item(second)];
        const map = `ReadonlyMap<${key}, ${value}>`;
        return key === "string" || key === "FfiArgument"
          ? `${map} | { readonly [key: string]: ${value} }`
          : map;
      }
      default:
        return PASSED[schema.type] ?? COMMON[schema.type] ?? `Arg<"${schema.type}">`;
    }
  }

  #item(schema: Schema | undefined): string {
    return schema === undefined ? "FfiArgument" : this.#passed(schema);
  }

  #result(schema: Schema): string {
    const [first, second] = schema.args ?? [];
    const item = (type: Schema | undefined) => (type === undefined ? "FfiValue" : this.#result(type));
    switch (schema.type) {
      case "Optional":
        return unite([item(first), "null"]);
      case "Variant":
        return unite((schema.args ?? []).map((type) => this.#result(type)));
      case "ObjectRValueRef":
        return item(first);
      case "ffi.Array":
      case "ffi.List":
        return `${group(item(first))}[]`;
      case "Tuple":
        return `[${(schema.args ?? []).map((type) => this.#result(type)).join(", ")}]`;
      case "ffi.Map":
      case "ffi.Dict":
        return `Map<${item(first)}, ${item(second)}>`;
      default:
        return RETURNED[schema.type] ?? COMMON[schema.type] ?? this.#alias(schema.type);
    }
  }

  #alias(typeKey: string): string {
    const alias = typeKey.replace(/[^A-Za-z0-9_]/g, "_");
    if (!this.#returned.has(typeKey)) {
      const keys = this.#ancestors(typeKey).filter((key) => key !== "ffi.Object");
      const union = keys.map((key) => `"${key}"`).join(" | ");
      this.#returned.set(typeKey, `export type ${alias} = ${union === "" ? "FfiObject" : `Ref<${union}>`};`);
    }
    return alias;
  }
}

/** A union without repeated members; the Arg types include null. */
function unite(types: readonly string[]): string {
  const members = new Set(types.flatMap((type) => splitUnion(type)));
  if ([...members].some((type) => /^(Arg<|ExprArg$|PrimTypeArg$)/.test(type))) members.delete("null");
  return [...members].join(" | ");
}

/** Splits at the top-level bars only. */
function splitUnion(type: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const character of type) {
    if ("<[({".includes(character)) depth++;
    if (">])}".includes(character)) depth--;
    if (character === "|" && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += character;
  }
  return [...parts, part.trim()];
}

/** Parenthesised where it would bind wrongly before `[]`. */
function group(type: string): string {
  return splitUnion(type).length > 1 || type.startsWith("readonly ") ? `(${type})` : type;
}
