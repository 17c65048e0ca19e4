/** What an answer may look like: the grammars that constrained generation takes. */

/**
 * - `json`: any JSON value.
 * - `json_schema`: JSON that the schema accepts; `strict` (default true) refuses keywords that cannot be enforced.
 * - `ebnf`: a grammar in GBNF notation; `root` names its first rule, default "root".
 * - `regex`: a regular expression that the whole answer matches.
 * - `choice`: one of the texts.
 * - `structural_tag`: xgrammar's own form, `{"type":"structural_tag","format":{...}}`.
 */
export type Grammar =
  | { readonly type: "json" }
  | {
      readonly type: "json_schema";
      readonly schema: object | boolean;
      readonly strict?: boolean | undefined;
    }
  | { readonly type: "ebnf"; readonly grammar: string; readonly root?: string | undefined }
  | { readonly type: "regex"; readonly pattern: string }
  | { readonly type: "choice"; readonly choices: readonly string[] }
  | { readonly type: "structural_tag"; readonly structuralTag: object };
