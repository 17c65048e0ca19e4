/** How deep JSON is nested: what walks a value later does so by calls of functions, of which there is room for some thousands. */

/** Levels of objects and lists that a body may have; no schema or conversation comes near. */
export const MOST_LEVELS = 512;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** "[" and "{", "]" and "}" differ in this bit alone. */
const BRACE_BIT = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Whether JSON text in UTF-8 has more than so many levels; of bytes that are no JSON, any answer. */
export function isDeeper(json: Uint8Array, levels: number): boolean {
  let depth = 0;
  for (let place = 0; place < json.length; place++) {
    const byte = json[place] as number;
    if (byte === QUOTE) place = endOfText(json, place);
    else if ((byte | BRACE_BIT) === OPEN) {
      if (++depth > levels) return true;
    } else if ((byte | BRACE_BIT) === CLOSE) depth--;
  }
  return false;
}

/** The place of the quote that ends the text which begins at `start`. */
function endOfText(json: Uint8Array, start: number): number {
  let place = json.indexOf(QUOTE, start + 1);
  while (place >= 0 && isEscaped(json, place)) place = json.indexOf(QUOTE, place + 1);
  return place < 0 ? json.length : place;
}

function isEscaped(json: Uint8Array, place: number): boolean {
  let backslashes = 0;
  while (json[place - 1 - backslashes] === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}
