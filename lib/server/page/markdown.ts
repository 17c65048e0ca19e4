/** Markdown as elements. Nothing of a model's text is ever parsed as HTML: every piece becomes a text node of a known element. */
import { lexer, type Token, type Tokens } from "marked";

/** The elements of a text. */
export function renderMarkdown(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(lexer(text)));
  return fragment;
}

function element(name: string, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function blocks(tokens: readonly Token[]): (Node | string)[] {
  return tokens.flatMap((token): (Node | string)[] => {
    switch (token.type) {
      case "space":
        return [];
      case "heading":
        // The page's own headings are the first two levels.
        return [element(`h${Math.min(6, (token as Tokens.Heading).depth + 2)}`, ...inline(token))];
      case "paragraph":
        return [element("p", ...inline(token))];
      case "text":
        return inline(token);
      case "code":
        return [codeBlock(token as Tokens.Code)];
      case "blockquote":
        return [element("blockquote", ...blocks((token as Tokens.Blockquote).tokens))];
      case "list":
        return [list(token as Tokens.List)];
      case "table":
        return [table(token as Tokens.Table)];
      case "hr":
        return [element("hr")];
      default:
        return [token.raw];
    }
  });
}

function codeBlock({ text, lang }: Tokens.Code): HTMLElement {
  const block = element("pre", element("code", text));
  // A keyboard must be able to scroll it.
  block.tabIndex = 0;
  block.setAttribute("role", "region");
  block.setAttribute("aria-label", lang === undefined || lang === "" ? "Code" : `Code, ${lang}`);
  return block;
}

function list({ ordered, start, items }: Tokens.List): HTMLElement {
  const made = element(ordered ? "ol" : "ul", ...items.map((item) => element("li", ...blocks(item.tokens))));
  if (ordered && typeof start === "number" && start !== 1) made.setAttribute("start", String(start));
  return made;
}

function table({ header, rows }: Tokens.Table): HTMLElement {
  const row = (name: string, cells: readonly Tokens.TableCell[]) =>
    element("tr", ...cells.map((cell) => element(name, ...inline(cell))));
  return element(
    "table",
    element("thead", row("th", header)),
    element("tbody", ...rows.map((cells) => row("td", cells))),
  );
}

function inline(parent: { tokens?: readonly Token[] | undefined; text?: string }): (Node | string)[] {
  if (parent.tokens === undefined) return [parent.text ?? ""];
  return parent.tokens.map((token): Node | string => {
    switch (token.type) {
      case "strong":
        return element("strong", ...inline(token as Tokens.Strong));
      case "em":
        return element("em", ...inline(token as Tokens.Em));
      case "del":
        return element("del", ...inline(token as Tokens.Del));
      case "codespan":
        return element("code", (token as Tokens.Codespan).text);
      case "br":
        return element("br");
      case "link":
        return link(token as Tokens.Link);
      case "text":
      case "escape":
        return "tokens" in token ? element("span", ...inline(token)) : (token as Tokens.Text).text;
      default:
        return token.raw;
    }
  });
}

/** A link that a person may follow; others (`javascript:`, `data:`) stay text. */
function link(token: Tokens.Link): Node | string {
  if (!/^(https?|mailto):/i.test(token.href)) return token.raw;
  const made = element("a", ...inline(token)) as HTMLAnchorElement;
  made.href = token.href;
  made.rel = "noreferrer noopener";
  made.target = "_blank";
  return made;
}
