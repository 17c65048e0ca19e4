/** How families of models mark what they think before they answer, as data. A family is known by its chat template. */

/** Marks around a thought. */
export interface ReasoningSyntax {
  readonly name: string;
  /** Matches the templates of this family. */
  readonly template: RegExp;
  readonly begin: string;
  readonly end: string;
}

/** Every family this engine reads, but gpt-oss (see harmony.ts). The first match counts. */
export const REASONING_SYNTAXES: readonly ReasoningSyntax[] = [
  { name: "think", template: /<\/?think>/, begin: "<think>", end: "</think>" },
  { name: "mistral-think", template: /\[THINK\]/, begin: "[THINK]", end: "[/THINK]" },
  { name: "seed-think", template: /<seed:think>/, begin: "<seed:think>", end: "</seed:think>" },
  {
    name: "command-thinking",
    template: /<\|START_THINKING\|>/,
    begin: "<|START_THINKING|>",
    end: "<|END_THINKING|>",
  },
];

/** The reasoning marks of the models that have this template; undefined where none are known. */
export function reasoningSyntaxOf(template: string): ReasoningSyntax | undefined {
  return REASONING_SYNTAXES.find((syntax) => syntax.template.test(template));
}

/** Whether a rendered prompt ends inside a thought, so that the answer begins with the rest of it. */
export function endsInThought(prompt: string, { begin, end }: ReasoningSyntax): boolean {
  const begun = prompt.lastIndexOf(begin);
  return begun >= 0 && begun > prompt.lastIndexOf(end) && prompt.slice(begun + begin.length).trim() === "";
}
