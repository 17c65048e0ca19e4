/** The server's API as the page uses it. */

/** A message of the conversation. */
export interface PageMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A streamed answer's news: a piece of text, or at the end its usage. */
export interface AnswerChunk {
  readonly text: string;
  readonly usage?: AnswerUsage;
}

/** Counts and times of an answer. */
export interface AnswerUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly extra?: {
    readonly time_to_first_token_s: number | null;
    readonly decode_tokens_per_s: number | null;
  };
}

interface Chunk {
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: AnswerUsage | null;
  readonly error?: { readonly message: string };
}

/** What went wrong, in the server's words. */
export class ApiFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function request(path: string, key: string, init: RequestInit = {}): Promise<Response> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (key !== "") headers.authorization = `Bearer ${key}`;
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  const body = (await response.json().catch(() => ({}))) as { error?: { message?: string } };
  throw new ApiFailure(response.status, body.error?.message ?? `The server answered ${response.status}.`);
}

/** Names of the models. */
export async function listModels(key: string): Promise<string[]> {
  const { data } = (await (await request("v1/models", key)).json()) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}

/** Asks for an answer; ends early when the signal fires. */
export async function* askChat(
  body: object & { messages: readonly PageMessage[] },
  key: string,
  signal: AbortSignal,
): AsyncGenerator<AnswerChunk, void, undefined> {
  const response = await request("v1/chat/completions", key, {
    method: "POST",
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  for await (const chunk of events(response)) {
    if (chunk.error !== undefined) throw new ApiFailure(500, chunk.error.message);
    const text = chunk.choices?.[0]?.delta.content ?? "";
    yield chunk.usage === undefined || chunk.usage === null ? { text } : { text, usage: chunk.usage };
  }
}

/** The JSON of each server-sent event, to the last. */
async function* events(response: Response): AsyncGenerator<Chunk, void, undefined> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  for (;;) {
    const step = await reader?.read();
    if (step === undefined || step.done) return;
    const parts = (pending + step.value).split("\n\n");
    pending = parts.pop() ?? "";
    for (const part of parts) {
      if (part === "data: [DONE]") return;
      if (part.startsWith("data: ")) yield JSON.parse(part.slice("data: ".length)) as Chunk;
    }
  }
}
