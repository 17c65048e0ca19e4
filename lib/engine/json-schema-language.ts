/** Languages of regular expressions: matching without backtracking, lengths, and languages made from others. */
import {
  ANY_TEXT,
  type CharacterSet,
  common,
  complement,
  normal,
  only,
  type Regex,
  RegexProblem,
} from "./json-schema-regex.js";

/** Most states an expression may have after its counted repetitions are written out. */
const MOST_STATES = 50_000;

/**
 * The same language as a search for `tree` in a text, without anchors: text before and after is written out.
 * Errors: RegexProblem for an anchor inside an expression.
 */
export function wholeText(tree: Regex): Regex {
  const branches = tree.kind === "choice" ? tree.items : [tree];
  const items = branches.map(wholeBranch);
  const language: Regex = items.length === 1 ? (items[0] as Regex) : { kind: "choice", items };
  if (states(language) > MOST_STATES) {
    throw new RegexProblem(`expected at most ${MOST_STATES} states after its repetitions are written out`);
  }
  return language;
}

function wholeBranch(branch: Regex): Regex {
  let items = branch.kind === "sequence" ? [...branch.items] : [branch];
  while (items.length === 1 && items[0]?.kind === "sequence") items = [...items[0].items];
  if (items.length === 1 && items[0]?.kind === "choice") return wholeText(items[0]);
  const start = items[0]?.kind === "start";
  const end = items.at(-1)?.kind === "end";
  const middle = items.slice(start ? 1 : 0, end ? -1 : undefined);
  if (start && end && middle.length === 1 && middle[0] !== undefined) return withoutAnchors(middle[0], true);
  const parts = middle.map((item) => withoutAnchors(item, false));
  return {
    kind: "sequence",
    items: [...(start ? [] : [ANY_TEXT]), ...parts, ...(end ? [] : [ANY_TEXT])],
  };
}

/** Checks that no anchor is left; `whole`: redundant anchors at the ends of this part are dropped. */
function withoutAnchors(tree: Regex, whole: boolean): Regex {
  if (tree.kind === "set") return tree;
  if (tree.kind === "repeat") return { ...tree, item: withoutAnchors(tree.item, false) };
  if (tree.kind === "choice")
    return { kind: "choice", items: tree.items.map((item) => withoutAnchors(item, whole)) };
  if (tree.kind === "sequence") {
    const first = whole && tree.items[0]?.kind === "start" ? 1 : 0;
    const last = whole && tree.items.length > first && tree.items.at(-1)?.kind === "end" ? -1 : undefined;
    const items = tree.items.slice(first, last);
    return {
      kind: "sequence",
      items: items.map((item) => withoutAnchors(item, whole && items.length === 1)),
    };
  }
  throw new RegexProblem("an anchor stands inside the expression");
}

function states(tree: Regex): number {
  if (tree.kind === "set") return 1;
  if (tree.kind === "repeat") {
    return states(tree.item) * Math.max(1, Number.isFinite(tree.max) ? tree.max : tree.min);
  }
  if (tree.kind === "choice" || tree.kind === "sequence") {
    return tree.items.reduce((sum, item) => sum + states(item), 1);
  }
  return 0;
}

/** Whether `text` as a whole is in the language; no backtracking, so no expression takes exponential time. */
export function matches(language: Regex, text: string): boolean {
  const characters = [...text].map((character) => character.codePointAt(0) as number);
  return reached(language, characters, new Set([0])).has(characters.length);
}

function reached(tree: Regex, text: readonly number[], from: ReadonlySet<number>): Set<number> {
  if (tree.kind === "set") return step(tree.set, text, from);
  if (tree.kind === "sequence") {
    return tree.items.reduce((places, item) => reached(item, text, places), new Set(from));
  }
  if (tree.kind === "choice") return new Set(tree.items.flatMap((item) => [...reached(item, text, from)]));
  if (tree.kind === "repeat") return repeated(tree, text, from);
  return new Set();
}

function step(set: CharacterSet, text: readonly number[], from: ReadonlySet<number>): Set<number> {
  const next = new Set<number>();
  for (const place of from) {
    const character = text[place];
    if (character !== undefined && set.some(([low, high]) => low <= character && character <= high)) {
      next.add(place + 1);
    }
  }
  return next;
}

function repeated(
  { item, min, max }: Regex & { kind: "repeat" },
  text: readonly number[],
  from: ReadonlySet<number>,
): Set<number> {
  let places = new Set(from);
  for (let count = 0; count < min && places.size > 0; count++) places = reached(item, text, places);
  const all = new Set(places);
  for (let count = min; count < max; count++) {
    const fresh = [...reached(item, text, places)].filter((place) => !all.has(place));
    if (fresh.length === 0) break;
    places = new Set(fresh);
    for (const place of fresh) all.add(place);
  }
  return all;
}

/** Fewest and most characters of a text of the language. */
export function lengths(tree: Regex): [number, number] {
  if (tree.kind === "set") return [1, 1];
  if (tree.kind === "repeat") {
    const [least, most] = lengths(tree.item);
    return [least * tree.min, tree.max === 0 || most === 0 ? 0 : most * tree.max];
  }
  const bounds = tree.kind === "choice" || tree.kind === "sequence" ? tree.items.map(lengths) : [];
  if (tree.kind === "choice") {
    return [Math.min(...bounds.map(([least]) => least)), Math.max(...bounds.map(([, most]) => most))];
  }
  return bounds.reduce<[number, number]>((sum, [least, most]) => [sum[0] + least, sum[1] + most], [0, 0]);
}

/**
 * The texts of the language with `min` to `max` characters, where that can be written by narrowing one repetition of
 * single characters; undefined otherwise.
 */
export function withLength(tree: Regex, min: number, max: number): Regex | undefined {
  const [least, most] = lengths(tree);
  if (least >= min && most <= max) return tree;
  if (tree.kind === "repeat" && tree.item.kind === "set") {
    const bounds = [Math.max(tree.min, min), Math.min(tree.max, max)] as const;
    return bounds[0] > bounds[1] ? undefined : { ...tree, min: bounds[0], max: bounds[1] };
  }
  if (tree.kind !== "sequence") return undefined;
  const loose = tree.items.filter((item) => lengths(item)[0] !== lengths(item)[1]);
  const [one] = loose;
  if (one === undefined || loose.length !== 1) return undefined;
  const fixed = least - lengths(one)[0];
  const narrowed = withLength(one, Math.max(0, min - fixed), max - fixed);
  if (narrowed === undefined) return undefined;
  return { kind: "sequence", items: tree.items.map((item) => (item === one ? narrowed : item)) };
}

/** Every text but the given ones. */
export function otherThan(texts: readonly string[]): Regex {
  const root = new Branch();
  for (const text of texts) {
    let branch = root;
    for (const character of text) branch = branch.child(character.codePointAt(0) as number);
    branch.last = true;
  }
  return root.others();
}

/** The texts of the language of characters of `set` alone, endless repetitions at most `most` times; undefined for none. */
export function within(tree: Regex, set: CharacterSet, most = Number.POSITIVE_INFINITY): Regex | undefined {
  switch (tree.kind) {
    case "set": {
      const left = common(tree.set, set);
      return left.length === 0 ? undefined : { kind: "set", set: left };
    }
    case "sequence": {
      const items = tree.items.map((item) => within(item, set, most));
      return items.includes(undefined) ? undefined : { kind: "sequence", items: items as Regex[] };
    }
    case "choice": {
      const items = tree.items.flatMap((item) => within(item, set, most) ?? []);
      return items.length === 0 ? undefined : { kind: "choice", items };
    }
    case "repeat": {
      const item = within(tree.item, set, most);
      if (item === undefined) return tree.min === 0 ? { kind: "sequence", items: [] } : undefined;
      const max = Number.isFinite(tree.max) ? tree.max : Math.max(tree.min, most);
      return { ...tree, item, max };
    }
    default:
      return tree;
  }
}

class Branch {
  readonly #children = new Map<number, Branch>();
  last = false;

  child(character: number): Branch {
    const known = this.#children.get(character) ?? new Branch();
    this.#children.set(character, known);
    return known;
  }

  others(): Regex {
    const taken = normal([...this.#children.keys()].map((character) => [character, character] as const));
    const items: Regex[] = [{ kind: "sequence", items: [{ kind: "set", set: complement(taken) }, ANY_TEXT] }];
    for (const [character, branch] of this.#children) {
      items.push({ kind: "sequence", items: [only(character), branch.others()] });
    }
    const choice: Regex = { kind: "choice", items };
    return this.last ? choice : { kind: "repeat", item: choice, min: 0, max: 1 };
  }
}

/** Whether no text is in both languages, as far as their first characters tell. */
export function startApart(left: Regex, right: Regex): boolean {
  if (lengths(left)[0] === 0 || lengths(right)[0] === 0) return false;
  return common(firstSet(left), firstSet(right)).length === 0;
}

function firstSet(tree: Regex): CharacterSet {
  if (tree.kind === "set") return tree.set;
  if (tree.kind === "repeat") return firstSet(tree.item);
  if (tree.kind === "choice") return normal(tree.items.flatMap(firstSet));
  if (tree.kind !== "sequence") return [];
  const sets: CharacterSet[] = [];
  for (const item of tree.items) {
    sets.push(firstSet(item));
    if (lengths(item)[0] > 0) break;
  }
  return normal(sets.flat());
}

/** Whether the language holds every text. */
export function isEveryText(tree: Regex): boolean {
  if (tree.kind === "repeat") {
    const { item, min, max } = tree;
    return (
      min === 0 &&
      max === Number.POSITIVE_INFINITY &&
      item.kind === "set" &&
      complement(item.set).length === 0
    );
  }
  if (tree.kind === "choice") return tree.items.some(isEveryText);
  if (tree.kind !== "sequence") return false;
  return tree.items.some(isEveryText) && tree.items.every((item) => lengths(item)[0] === 0);
}
