/** Schemas of the OpenAPI document's fields. */

/** A field of a body. */
export interface Field {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly items?: object;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Any text. */
export const TEXT: Field = { type: "string" };

/** True or false. */
export const FLAG: Field = { type: "boolean" };

/** A chat. */
export const MESSAGES: Field = {
  type: "array",
  items: {
    type: "object",
    required: ["role", "content"],
    properties: {
      role: { type: "string", enum: ["user", "system", "assistant", "tool"] },
      content: { type: ["string", "array", "null"] },
    },
  },
};

/** How tokens are drawn, and how the answer is sent. */
export const SAMPLING: Readonly<Record<string, Field>> = {
  temperature: { type: "number", minimum: 0 },
  top_p: { type: "number", minimum: 0, maximum: 1 },
  top_k: { type: "integer", minimum: 0 },
  min_p: { type: "number", minimum: 0, maximum: 1 },
  seed: { type: "integer" },
  stop: { type: ["string", "array"], items: TEXT },
  stream: FLAG,
  stream_options: { type: "object" },
  n: { type: "integer", minimum: 1, maximum: 128 },
};
