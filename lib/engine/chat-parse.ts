/** `chat.completions.parse`: answers as typed values. */
import { unexpected } from "./expectation.js";
import type {
  CallOptions,
  ChatCompletion,
  ChatCompletionCreateParams,
  ChatCompletionMessage,
} from "./openai-types.js";
import { jsonSchemaOf, parseTyped, type TypedSchema } from "./typed-schema.js";

/** Body of a request whose answer is a value of `schema`. */
export type ChatParseParams<Value> = Omit<ChatCompletionCreateParams, "response_format" | "stream"> & {
  schema: TypedSchema<Value>;
};

/** A completion with the values of its answers. */
export type ParsedChatCompletion<Value> = Omit<ChatCompletion, "choices"> & {
  choices: (Omit<ChatCompletion["choices"][number], "message"> & {
    /** `parsed` is null where the answer was cut short, or calls tools instead. */
    message: ChatCompletionMessage & { parsed: Value | null };
  })[];
};

/** Creates one completion. */
export type CreateChat = (
  body: ChatCompletionCreateParams & { stream?: false | null },
  options?: CallOptions,
) => Promise<ChatCompletion>;

/** See ChatCompletions.parse. */
export async function parseChat<Value>(
  create: CreateChat,
  { schema, ...body }: ChatParseParams<Value>,
  options?: CallOptions,
): Promise<ParsedChatCompletion<Value>> {
  for (const field of ["response_format", "stream"] as const) {
    const value = (body as ChatCompletionCreateParams)[field];
    if (value !== undefined && value !== null) throw unexpected(field, "no value beside schema", value);
  }
  const json_schema = { name: "answer", schema: jsonSchemaOf("schema", schema) };
  const completion = await create(
    { ...body, response_format: { type: "json_schema", json_schema } },
    options,
  );
  const choices = completion.choices.map(async (choice) => {
    const { content } = choice.message;
    const whole = choice.finish_reason === "stop" && content !== null;
    const parsed = whole ? await parseTyped("the answer", schema, content) : null;
    return { ...choice, message: { ...choice.message, parsed } };
  });
  return { ...completion, choices: await Promise.all(choices) };
}
