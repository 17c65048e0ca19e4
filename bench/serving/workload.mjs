// The clients of the serving benchmark, the same for both sides, in a process of its own: N clients, each with one request after
// another, random but fixed prompts, greedy answers of fixed lengths. The process is given a plan (JSON, see process.ts) and
// prints one JSON object: the tokens, the time, and the latencies of all requests.
//
// A side implements
//   load(plan)                                  the model, with room for plan.streams requests at once
//   observe?() → () => figures                  watches something while the clients run; what it saw goes into the output
//   client(index) → { request(tokens, count, onToken) }   prompt, then `count` tokens; calls onToken(number of tokens so far)

/** Numbers of a linear congruential generator: the same for the same seed. */
function generator(seed) {
  let state = seed * 7919 + 17;
  return (least, most) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return least + ((state >> 8) % (most - least + 1));
  };
}

/** Token ids between 300 and 4299. */
function tokens(next, count) {
  return Array.from({ length: count }, () => next(300, 4299));
}

/** The requests of all clients: prompts of 16 to 256 tokens, or of the prefix and 16 to 64 more; answers of 16 to 96. */
function requestsOf({ requests, prefixTokens, seed }) {
  const prefix = tokens(generator(1), prefixTokens);
  return Array.from({ length: requests }, (_, index) => {
    const next = generator(seed * 1000 + index + 2);
    const own = tokens(next, next(16, prefixTokens > 0 ? 64 : 256));
    return { prompt: [...prefix, ...own], answer: next(16, 96) };
  });
}

/** One request: ms until its first token, and ms between its tokens as the client sees them. */
async function measured(client, { prompt, answer }) {
  const start = performance.now();
  const gaps = [];
  let [first, last, seen] = [0, 0, 0];
  await client.request(prompt, answer, (done) => {
    const now = performance.now();
    if (seen === 0) first = now - start;
    else gaps.push(now - last);
    // Tokens that come together have no time between them.
    for (let extra = seen + 1; extra < done; extra++) gaps.push(0);
    [last, seen] = [now, done];
  });
  return { first, gaps, tokens: seen };
}

/** Each client takes the next request when it has its answer. */
async function serve(side, streams, requests) {
  const waiting = [...requests];
  const done = [];
  const client = async (index) => {
    const own = side.client(index);
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift())
      done.push(await measured(own, request));
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: streams }, (_, index) => client(index)));
  return { done, ms: performance.now() - start };
}

/** Does what the plan says and ends this process. */
export async function runServing(side) {
  const plan = JSON.parse(process.argv[2]);
  await side.load(plan);
  const warmUp = requestsOf({ requests: plan.streams, prefixTokens: 0, seed: 99 });
  await serve(
    side,
    plan.streams,
    warmUp.map(({ prompt }) => ({ prompt, answer: 2 })),
  );
  const observed = side.observe?.();
  const { done, ms } = await serve(side, plan.streams, requestsOf(plan));
  console.log(
    JSON.stringify({
      seconds: ms / 1000,
      tokens: done.reduce((sum, { tokens: count }) => sum + count, 0),
      firstTokenMs: done.map(({ first }) => Math.round(first * 100) / 100),
      ...observed?.(),
      interTokenMs: done.flatMap(({ gaps }) => gaps.map((gap) => Math.round(gap * 100) / 100)),
    }),
  );
  process.exit(0);
}
