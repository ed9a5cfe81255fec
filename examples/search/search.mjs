// node examples/search/search.mjs "QUERY" [MODEL]: the paragraphs of twelve chapters of Moby-Dick that are most like the query.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pipeline, semantic_search } from "robertalbert";

// A demonstration: the shipped model was not trained to compare texts. Pass the folder of an ALBERT sentence encoder for real use.
const shipped = new URL("../../models/fill-mask/", import.meta.url);

/** Paragraphs, one a line. */
export function readParagraphs() {
  return readFileSync(new URL("moby-dick.txt", import.meta.url), "utf8")
    .trimEnd()
    .split("\n");
}

/**
 * @param {string[]} paragraphs what is searched
 * @param {string | URL} model a model's folder
 * @returns {Promise<(query: string, top_k?: number) => Promise<{ score: number, paragraph: number }[]>>}
 */
export async function makeIndex(paragraphs, model = shipped) {
  const embed = await pipeline("feature-extraction", model);
  const options = { pooling: "mean", normalize: true, on_too_long: "window" };
  const corpus = await embed(paragraphs, options); // Tensor [paragraphs, hidden_size]
  return async (query, top_k = 3) => {
    const vector = await embed(query, options);
    return semantic_search(vector, corpus, { top_k }).map(({ corpus_id, score }) => ({ score, paragraph: corpus_id }));
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [query = "The captain prayed in the storm.", model] = process.argv.slice(2);
  const paragraphs = readParagraphs();
  const startedAt = performance.now();
  const search = await makeIndex(paragraphs, model);
  console.log(`${paragraphs.length} paragraphs in ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
  for (const { score, paragraph } of await search(query)) {
    console.log(`${score.toFixed(3)}  ${paragraphs[paragraph].slice(0, 160)}…\n`);
  }
}
