/** The chat page: wires its controls to the server's API. */
import { ApiFailure, askChat, listModels, type PageMessage } from "./chat-client.js";
import { MessageView } from "./conversation-view.js";

function control<Kind extends HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found as Kind;
}

const model = control<HTMLSelectElement>("model");
const settings = control<HTMLFormElement>("settings");
const toggle = control<HTMLButtonElement>("toggle-settings");
const system = control<HTMLTextAreaElement>("system");
const key = control<HTMLInputElement>("key");
const conversation = control("conversation");
const status = control("status");
const ask = control<HTMLFormElement>("ask");
const prompt = control<HTMLTextAreaElement>("prompt");
const send = control<HTMLButtonElement>("send");
const stop = control<HTMLButtonElement>("stop");
const numbers = ["temperature", "top_p", "top_k", "max_tokens", "seed"].map((id) =>
  control<HTMLInputElement>(id),
);
/** What is kept for the next visit; the key only as long as the tab lives. */
const kept = [system, ...numbers];

let messages: PageMessage[] = [];
let running: AbortController | undefined;

for (const field of kept) {
  field.value = localStorage.getItem(`node-mlc.${field.id}`) ?? "";
  field.addEventListener("change", () => localStorage.setItem(`node-mlc.${field.id}`, field.value));
}
key.value = sessionStorage.getItem("node-mlc.key") ?? "";
key.addEventListener("change", () => {
  sessionStorage.setItem("node-mlc.key", key.value);
  void fillModels();
});
settings.addEventListener("submit", (event) => event.preventDefault());
toggle.addEventListener("click", () => showSettings(settings.hidden !== false));
control("new").addEventListener("click", () => {
  running?.abort();
  messages = [];
  conversation.replaceChildren();
  status.textContent = "New chat";
  prompt.focus();
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask.requestSubmit();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
});
stop.addEventListener("click", () => running?.abort());
ask.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = prompt.value.trim();
  if (text === "" || running !== undefined) return;
  prompt.value = "";
  void answer(text);
});
void fillModels();

function showSettings(visible: boolean): void {
  settings.hidden = !visible;
  toggle.setAttribute("aria-expanded", String(visible));
}

async function fillModels(): Promise<void> {
  try {
    const names = await listModels(key.value);
    model.replaceChildren(...names.map((name) => new Option(name)));
    status.textContent = "";
    prompt.focus();
  } catch (error) {
    status.textContent = String(error instanceof Error ? error.message : error);
    if (error instanceof ApiFailure && error.status === 401) {
      showSettings(true);
      key.focus();
    }
  }
}

/** Asks, and shows the answer as it comes. An answer that failed or was stopped before its first word is not kept. */
async function answer(text: string): Promise<void> {
  const asked: PageMessage = { role: "user", content: text };
  const view = new MessageView("assistant");
  conversation.append(new MessageView("user", text).element, view.element);
  conversation.scrollTop = conversation.scrollHeight;
  const controller = new AbortController();
  setRunning(controller);
  try {
    for await (const chunk of askChat(requestBody([...messages, asked]), key.value, controller.signal)) {
      view.append(chunk.text);
      if (chunk.usage !== undefined) view.showUsage(chunk.usage);
    }
    status.textContent = "Answer complete";
  } catch (error) {
    if (controller.signal.aborted) status.textContent = "Stopped";
    else view.showError(error instanceof Error ? error.message : String(error));
  } finally {
    setRunning(undefined);
  }
  if (view.text !== "") messages = [...messages, asked, { role: "assistant", content: view.text }];
}

function requestBody(history: readonly PageMessage[]) {
  const first: PageMessage[] = system.value.trim() === "" ? [] : [{ role: "system", content: system.value }];
  const given = numbers
    .filter(({ value }) => value !== "")
    .map(({ id, value }) => [id, Number(value)] as const);
  return { model: model.value, messages: [...first, ...history], ...Object.fromEntries(given) };
}

function setRunning(controller: AbortController | undefined): void {
  running = controller;
  send.hidden = controller !== undefined;
  stop.hidden = controller === undefined;
  if (controller === undefined) prompt.focus();
  else {
    status.textContent = "Answering";
    stop.focus();
  }
}
