/** Tokenizers of the two models with recorded greedy texts: the same prompt ids, and the recorded text from the ids. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ChatTemplate } from "../../../lib/chat/chat-template.js";
import { Tokenizer } from "../../../lib/tokenizer/tokenizer.js";
import { sharedData } from "../../support/shared-data.js";

interface Case {
  kind?: string;
  prompt: string;
  prompt_ids: number[];
  greedy_ids?: number[];
  greedy_new_ids?: number[];
  text: string;
}

const json = (...segments: string[]) => JSON.parse(readFileSync(path.join(...segments), "utf8"));

const stories = sharedData("stories260K");
describe.skipIf(stories === undefined)("stories260K", () => {
  it("encodes each prompt and decodes each story", () => {
    const tokenizer = new Tokenizer(json(stories ?? "", "hf", "tokenizer.json"));
    const { cases } = json(stories ?? "", "golden.json") as { cases: Case[] };
    for (const { prompt, prompt_ids, greedy_ids = [], text } of cases) {
      expect(tokenizer.encode(prompt)).toEqual(prompt_ids);
      expect(tokenizer.decode(greedy_ids)).toBe(text);
      // As a continuation of the prompt, piece by piece, the two together are the story.
      const isStart = prompt_ids.every((id) => tokenizer.specialIds.has(id));
      const stream = tokenizer.stream({ atStart: isStart });
      let continuation = "";
      for (const id of greedy_ids.slice(prompt_ids.length)) continuation += stream.push(id);
      expect(prompt + continuation + stream.finish()).toBe(text);
    }
  });
});

const smollm2 = sharedData("smollm2-135m-instruct");
describe.skipIf(smollm2 === undefined)("SmolLM2-135M-Instruct", () => {
  it("encodes chats and raw prompts and decodes the answers", () => {
    const files = path.join(smollm2 ?? "", "tokenizer-from-gguf");
    const tokenizer = new Tokenizer(json(files, "tokenizer.json"), json(files, "tokenizer_config.json"));
    const template = new ChatTemplate(readFileSync(path.join(files, "chat_template.jinja"), "utf8"));
    const { cases } = json(smollm2 ?? "", "golden.json") as { cases: Case[] };
    for (const { kind, prompt, prompt_ids, greedy_new_ids = [], text } of cases) {
      const ids =
        kind === "chat"
          ? tokenizer.encode(template.render([{ role: "user", content: tokenizer.protect(prompt) }]), {
              addSpecial: false,
              parseSpecial: true,
            })
          : tokenizer.encode(prompt);
      expect(ids).toEqual(prompt_ids);
      expect(tokenizer.decode(greedy_new_ids)).toBe(text);
    }
  });
});
