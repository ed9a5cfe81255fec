// What runs on every engine: q8 results of fixed inputs as hashes. Plain JavaScript on the package's public interface; no test runner,
// no Node. The same text runs in Node, Bun, Deno, workerd (run.mjs) and in vitest (test/model/q8-identity.test.ts).

/** Tokens of the inputs: every tail of the tiles, several blocks of rows, a whole plan. */
const LENGTHS = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 20, 23, 24, 31, 32, 33, 40, 47, 49, 64, 65, 97, 128, 130, 512,
];

/**
 * The 30 inputs for a vocabulary of that size.
 * @param {number} vocabularySize
 * @returns {number[][]}
 */
export function inputIds(vocabularySize) {
  let state = 1;
  const next = () => {
    state = Math.imul(state, 1664525) + 1013904223;
    return (state >>> 8) % vocabularySize;
  };
  return LENGTHS.map((length) => Array.from({ length }, next));
}

/** Positions whose logits are computed where the vocabulary is large: first, middle, last. */
export const someRows = (/** @type {number} */ length) => [...new Set([0, length >> 1, length - 1])];

/**
 * The first 32 hexadecimal digits of the SHA-256 of a Tensor's values, little-endian.
 * @param {{ data: Float32Array }} tensor
 */
export async function hashOf({ data }) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data.slice().buffer));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Hashes of what the shipped model gives for each input: last_hidden_state and all logits.
 * @param {any} api the package
 * @param {unknown} location where the model is
 * @param {object} options for from_pretrained
 */
export async function smallHashes(api, location, options) {
  const base = await api.AutoModel.from_pretrained(location, { ...options, dtype: "q8", allow_missing: true });
  const model = await api.AutoModelForMaskedLM.from_pretrained(location, { ...options, dtype: "q8" });
  const hashes = [];
  for (const ids of inputIds(model.config.vocab_size)) {
    const { last_hidden_state } = await base({ input_ids: [ids] });
    const { logits } = await model({ input_ids: [ids] });
    hashes.push({ last_hidden_state: await hashOf(last_hidden_state), logits: await hashOf(logits) });
  }
  const { build, dot } = model;
  await Promise.all([base.dispose(), model.dispose()]);
  return { build, dot, hashes };
}

/**
 * The same of a full-size model: last_hidden_state, pooler_output, and the logits of a few rows.
 * @param {any} api
 * @param {unknown} location
 * @param {object} options
 * @param {number} count how many of the inputs
 */
export async function fullHashes(api, location, options, count = LENGTHS.length) {
  const base = await api.AutoModel.from_pretrained(location, { ...options, dtype: "q8" });
  const model = await api.AutoModelForMaskedLM.from_pretrained(location, { ...options, dtype: "q8" });
  const hashes = [];
  for (const ids of inputIds(model.config.vocab_size).slice(0, count)) {
    const { last_hidden_state, pooler_output } = await base({ input_ids: [ids] });
    const { logits } = await model({ input_ids: [ids] }, { output_rows: [someRows(ids.length)] });
    hashes.push({
      last_hidden_state: await hashOf(last_hidden_state),
      pooler_output: await hashOf(pooler_output),
      logits: await hashOf(logits),
    });
  }
  const { build, dot } = model;
  await Promise.all([base.dispose(), model.dispose()]);
  return { build, dot, hashes };
}

/**
 * Both models in every build that the engine accepts: in the form of multiplication that the probe allows, and in the one that
 * every engine has.
 * @param {any} api
 * @param {unknown} small where the shipped model is, in floats: it is quantized while loading
 * @param {unknown} full where the full-size model is, converted
 * @param {Record<string, WebAssembly.Module | undefined>} modules by build; none where the package finds its files
 */
export async function allHashes(api, small, full, modules) {
  const results = [];
  for (const build of api.runtimeInfo().builds) {
    const options = modules[build] ? { module: modules[build] } : { build };
    const own = await smallHashes(api, small, options);
    results.push({ model: "fill-mask", ...own });
    results.push({ model: "full-size", ...(await fullHashes(api, full, options)) });
    if (own.dot === "i16") continue;
    const everywhere = { ...options, dot: "i16" };
    results.push({ model: "fill-mask", ...(await smallHashes(api, small, everywhere)) });
    results.push({ model: "full-size", ...(await fullHashes(api, full, everywhere)) });
  }
  return results;
}
