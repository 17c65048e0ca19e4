/** The conversation on the page. */
import type { AnswerUsage, PageMessage } from "./chat-client.js";
import { renderMarkdown } from "./markdown.js";

const NAMES: Readonly<Record<PageMessage["role"], string>> = {
  system: "System",
  user: "You",
  assistant: "Model",
};

/** A message that may still grow. */
export class MessageView {
  readonly #article: HTMLElement;
  readonly #body: HTMLElement;
  #text = "";
  #scheduled = false;

  constructor(role: PageMessage["role"], text = "") {
    this.#article = document.createElement("article");
    this.#article.className = role;
    const title = document.createElement("h2");
    title.textContent = NAMES[role];
    this.#body = document.createElement("div");
    this.#article.append(title, this.#body);
    this.append(text);
  }

  get element(): HTMLElement {
    return this.#article;
  }

  get text(): string {
    return this.#text;
  }

  /** More text; it is drawn with the next frame. */
  append(text: string): void {
    this.#text += text;
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      const scroller = this.#article.parentElement;
      const atEnd =
        scroller !== null && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
      this.#body.replaceChildren(renderMarkdown(this.#text));
      if (atEnd) scroller.scrollTop = scroller.scrollHeight;
    });
  }

  /** Counts and times below the text. */
  showUsage({ prompt_tokens: prompt, completion_tokens: answer, extra }: AnswerUsage): void {
    const parts = [`${prompt} + ${answer} tokens`];
    const first = extra?.time_to_first_token_s;
    const rate = extra?.decode_tokens_per_s;
    if (typeof first === "number") parts.push(`first after ${(first * 1000).toFixed(0)} ms`);
    if (typeof rate === "number") parts.push(`${rate.toFixed(1)} tokens/s`);
    const line = document.createElement("p");
    line.className = "stats";
    line.textContent = parts.join(", ");
    this.#article.append(line);
  }

  showError(message: string): void {
    this.#article.classList.add("error");
    const line = document.createElement("p");
    line.setAttribute("role", "alert");
    line.textContent = message;
    this.#article.append(line);
  }
}
