/**
 * Finds added tokens in a text, and marks a user's text so that none of it can become a control token.
 *
 * A mark is U+FDD0, a code point Unicode reserves for a program's own use. It is put after the first character of
 * each control token's spelling: the spelling no longer matches, a template still sees almost the same text, and
 * `removeMarks` takes the marks away once the text is split. A U+FDD0 of the user's own is doubled. A text that ends with the
 * beginning of a spelling gets a mark at its end, so that what a template puts after it cannot complete the spelling.
 */
import type { AddedToken } from "./tokenizer-document.js";

const MARK = "\uFDD0";

/** A stretch of ordinary text, or one added token. */
export type Section = { readonly text: string; readonly atStart: boolean } | { readonly token: AddedToken };

/** Splits texts at a fixed set of added tokens; the longest token wins where several begin at one place. */
export class AddedTokenSplitter {
  readonly #pattern: RegExp | undefined;
  readonly #tokens = new Map<string, AddedToken>();

  constructor(tokens: readonly AddedToken[], spelling: (token: AddedToken) => string = (t) => t.content) {
    for (const token of tokens) {
      const content = spelling(token);
      if (content !== "" && !this.#tokens.has(content)) this.#tokens.set(content, token);
    }
    const alternatives = [...this.#tokens.keys()].sort((a, b) => b.length - a.length).map(escapeRegExp);
    this.#pattern = alternatives.length === 0 ? undefined : new RegExp(alternatives.join("|"), "g");
  }

  /** The sections of `text` in order; empty stretches are left out. `atStart` marks text at offset 0. */
  split(text: string): Section[] {
    if (this.#pattern === undefined) return text === "" ? [] : [{ text, atStart: true }];
    const sections: Section[] = [];
    let from = 0;
    let trimNext = false;
    const pushText = (end: number, trimEnd: boolean) => {
      let part = text.slice(from, end);
      if (trimNext) part = part.trimStart();
      if (trimEnd) part = part.trimEnd();
      if (part !== "") sections.push({ text: part, atStart: from === 0 });
    };
    for (const match of text.matchAll(this.#pattern)) {
      const token = this.#tokens.get(match[0]);
      if (token === undefined) continue;
      const end = match.index + match[0].length;
      if (token.singleWord && touchesWord(text, match.index, end)) continue;
      pushText(match.index, token.lstrip);
      sections.push({ token });
      from = end;
      trimNext = token.rstrip;
    }
    pushText(text.length, false);
    return sections;
  }
}

/** Marks texts against a tokenizer's control tokens. */
export class ControlTokenGuard {
  readonly #starts: RegExp | undefined;
  readonly #spellings: readonly string[];

  constructor(tokens: readonly AddedToken[]) {
    // A spelling of one character has no inside to put a mark in; such tokens do not occur as control tokens.
    const controls = tokens.filter((token) => token.special && token.content.length > 1);
    this.#spellings = controls.map((token) => token.content);
    // A look-ahead finds every place a control token begins, overlapping ones too.
    this.#starts =
      controls.length === 0
        ? undefined
        : new RegExp(`(?=${controls.map((token) => escapeRegExp(token.content)).join("|")})[\\s\\S]`, "g");
  }

  /** `text` with marks: encoded with control tokens parsed, it still gives only ordinary tokens. */
  mark(text: string): string {
    const doubled = text.includes(MARK) ? text.replaceAll(MARK, MARK + MARK) : text;
    if (this.#starts === undefined) return doubled;
    const marked = doubled.replace(this.#starts, `$&${MARK}`);
    return this.#endsInSpelling(text) ? marked + MARK : marked;
  }

  #endsInSpelling(text: string): boolean {
    const last = text.at(-1);
    if (last === undefined) return false;
    return this.#spellings.some((spelling) => {
      for (let at = spelling.lastIndexOf(last, spelling.length - 2); at >= 0; ) {
        if (text.endsWith(spelling.slice(0, at + 1))) return true;
        at = at === 0 ? -1 : spelling.lastIndexOf(last, at - 1);
      }
      return false;
    });
  }
}

/** The text that `mark` was given. */
export function removeMarks(text: string): string {
  return text.includes(MARK) ? text.replace(/\uFDD0(\uFDD0?)/g, "$1") : text;
}

function touchesWord(text: string, start: number, end: number): boolean {
  return (
    /[\p{L}\p{N}_]$/u.test(text.slice(Math.max(0, start - 2), start)) ||
    /^[\p{L}\p{N}_]/u.test(text.slice(end, end + 2))
  );
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
