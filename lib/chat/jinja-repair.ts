/**
 * Where @huggingface/jinja differs from Python's Jinja in what templates of models with tools do: parsed templates are rewritten to
 * what means the same in both.
 */
import { parse, type Template, tokenize } from "@huggingface/jinja";

type Program = Template["parsed"];
type Node = Record<string, unknown> & { type: string };

/** The filter `string` as Python has it: the library writes constants as JavaScript does, and refuses none. */
const TEXT = `{{ "None" if operand is none else ("True" if operand is true else ("False" if operand is false else operand | string)) }}`;
/** A text times a number, which the library does not know. */
const REPEATED = "{{ repeated_text__(text, count) }}";

/** Functions that repaired templates call. */
export const REPAIR_FUNCTIONS = {
  repeated_text__: (text: string, count: number): string => text.repeat(Math.max(0, count)),
} as const;

/** The template with what it says rewritten. */
export function repaired(program: Program): Program {
  return rewritten(program, repair) as Program;
}

function repair(node: Node): unknown {
  if (node.type === "FilterExpression" && isNamed(node.filter, "string")) {
    return written(TEXT, { operand: node.operand });
  }
  if (node.type === "BinaryExpression" && isNode(node.left) && node.left.type === "StringLiteral") {
    const isTimes = (node.operator as { value?: unknown }).value === "*";
    return isTimes ? written(REPEATED, { text: node.left, count: node.right }) : node;
  }
  // Loops take the members of a list apart, but not those that are tuples.
  if (node.type === "ArrayLiteral" && Array.isArray(node.value)) {
    for (const item of node.value)
      if (isNode(item) && item.type === "TupleLiteral") item.type = "ArrayLiteral";
  }
  return node;
}

/** An expression with nodes in the place of its names. */
function written(template: string, names: Readonly<Record<string, unknown>>): unknown {
  const [expression] = parse(tokenize(template)).body;
  const name = (node: Node) => (node.type === "Identifier" ? String(node.value) : "");
  return rewritten(expression, (node) => (Object.hasOwn(names, name(node)) ? names[name(node)] : node));
}

/** Replaces nodes, inner ones first, in place where they stay. */
function rewritten(value: unknown, replace: (node: Node) => unknown): unknown {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) value[index] = rewritten(item, replace);
    return value;
  }
  if (value instanceof Map) {
    const entries = [...value].map(
      ([key, item]) => [rewritten(key, replace), rewritten(item, replace)] as const,
    );
    return new Map(entries);
  }
  if (!isNode(value)) return value;
  for (const [name, item] of Object.entries(value)) value[name] = rewritten(item, replace);
  return replace(value);
}

function isNamed(value: unknown, name: string): boolean {
  return isNode(value) && value.type === "Identifier" && value.value === name;
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string"
  );
}
