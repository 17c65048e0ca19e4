/** Who may ask, and how much. */
import { createHash, timingSafeEqual } from "node:crypto";
import { expectInteger, expectKnownNames, expectText, unexpected } from "../engine/expectation.js";
import { MlcError } from "../errors.js";
import { TokenBucket } from "./rate-limit.js";

/** A key and its limits. */
export interface ApiKey {
  readonly key: string;
  /** What logs and metrics call it; default "key 1", "key 2" and so on. */
  readonly name?: string | undefined;
  readonly requestsPerMinute?: number | undefined;
  /** Of prompts and answers; counted when a request ends, so the last one may go beyond. */
  readonly tokensPerMinute?: number | undefined;
  /** Tokens since the start of the server. */
  readonly tokenQuota?: number | undefined;
}

/** One key's use. */
export class KeyAccount {
  readonly name: string;
  readonly #requests: TokenBucket | undefined;
  readonly #tokens: TokenBucket | undefined;
  readonly #quota: number;
  #used = 0;

  constructor(
    name: string,
    { requestsPerMinute, tokensPerMinute, tokenQuota }: Omit<ApiKey, "key" | "name">,
  ) {
    this.name = name;
    this.#requests = requestsPerMinute === undefined ? undefined : new TokenBucket(requestsPerMinute);
    this.#tokens = tokensPerMinute === undefined ? undefined : new TokenBucket(tokensPerMinute);
    this.#quota = tokenQuota ?? Number.POSITIVE_INFINITY;
  }

  /** One more request. Errors: ERR_RATE_LIMITED with `details.retryAfterMs`, without it where the quota is used up. */
  admit(): void {
    if (this.#used >= this.#quota)
      throw new MlcError(
        "ERR_RATE_LIMITED",
        `Expected at most ${this.#quota} tokens of ${this.name} but they are used up: ask whoever runs the server for more.`,
      );
    const wait = Math.max(this.#requests?.waitMs(1) ?? 0, this.#tokens?.waitMs(1) ?? 0);
    if (wait > 0)
      throw new MlcError(
        "ERR_RATE_LIMITED",
        `Expected fewer requests or tokens a minute of ${this.name}: try again in ${Math.ceil(wait / 1000)} s.`,
        { details: { retryAfterMs: wait } },
      );
    this.#requests?.take(1);
  }

  /** Tokens that a request has used. */
  charge(tokens: number): void {
    this.#used += tokens;
    this.#tokens?.take(tokens);
  }
}

const KEY_NAMES = ["key", "name", "requestsPerMinute", "tokensPerMinute", "tokenQuota"];

/** Checks a key that may come from a file. Errors: ERR_INVALID_ARGUMENT. */
function checkKey(given: ApiKey, index: number): void {
  const what = `API key ${index + 1}`;
  if (typeof given !== "object" || given === null) throw unexpected(what, "an object with a key", given);
  expectKnownNames(what, given, KEY_NAMES);
  expectText(`key of ${what}`, given.key);
  if (given.name !== undefined) expectText(`name of ${what}`, given.name);
  for (const limit of ["requestsPerMinute", "tokensPerMinute", "tokenQuota"] as const) {
    const value = given[limit];
    if (value !== undefined) expectInteger(`${limit} of ${what}`, value, 1, Number.MAX_SAFE_INTEGER);
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** The keys of a server. */
export class KeyRing {
  readonly #keys: readonly { digest: Buffer; account: KeyAccount }[];

  constructor(keys: readonly ApiKey[]) {
    this.#keys = keys.map((given, index) => {
      checkKey(given, index);
      const { key, name, ...limits } = given;
      return { digest: digest(key), account: new KeyAccount(name ?? `key ${index + 1}`, limits) };
    });
  }

  /** Whether anybody must have a key. */
  get closed(): boolean {
    return this.#keys.length > 0;
  }

  /**
   * Whose key the headers carry ("authorization: Bearer ...", "x-api-key" or "api-key"). All keys are compared, by digest and in
   * constant time: the answer's time tells nothing of them.
   * Errors: ERR_UNAUTHORIZED.
   */
  identify(headers: Headers): KeyAccount | undefined {
    if (!this.closed) return undefined;
    const bearer = /^Bearer (.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    const given = digest(bearer ?? headers.get("x-api-key") ?? headers.get("api-key") ?? "");
    let found: KeyAccount | undefined;
    for (const { digest: known, account } of this.#keys) if (timingSafeEqual(known, given)) found = account;
    if (found !== undefined) return found;
    throw new MlcError(
      "ERR_UNAUTHORIZED",
      'Expected an API key of this server in the header "authorization: Bearer KEY" but received none or another.',
    );
  }
}
