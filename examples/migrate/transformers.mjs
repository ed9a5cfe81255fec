// node examples/migrate/transformers.mjs MODEL: this file and the other beside it differ in the next line only.
import { AutoModelForMaskedLM, AutoTokenizer, cos_sim, env, pipeline, softmax } from "@huggingface/transformers";

const model = process.argv[2];
env.localModelPath = "./";
const text = "The capital of France is <mask>.";

// A pipeline.
const fill = await pipeline("fill-mask", model, { dtype: "fp32" });
const answers = await fill(text, { top_k: 3 });
const batch = await fill([text, "Two plus three is <mask>."], { top_k: 1 });

// Tokenizer and model by themselves.
const tokenizer = await AutoTokenizer.from_pretrained(model);
const mlm = await AutoModelForMaskedLM.from_pretrained(model, { dtype: "fp32" });
const inputs = tokenizer([text, "A lion is a kind of <mask>."], { padding: true, truncation: true });
const { logits } = await mlm(inputs);
const [texts, tokens, vocabulary] = logits.dims;
const rows = logits.tolist();
const mask = inputs.input_ids.tolist()[0].findIndex((id) => Number(id) === tokenizer.mask_token_id);
const probabilities = softmax(rows[0][mask]);
const best = probabilities.indexOf(Math.max(...probabilities));

const round = (value) => Number(value.toFixed(4));
console.log(
  JSON.stringify(
    {
      answers: answers.map(({ token, token_str, score, sequence }) => ({
        token,
        token_str,
        sequence,
        score: round(score),
      })),
      batch: batch.map(([answer]) => answer.token_str),
      ids: inputs.input_ids.tolist().map((row) => row.map(Number)),
      dims: [texts, tokens, vocabulary],
      best: tokenizer.decode([best]),
      same: round(cos_sim(rows[0][mask], rows[0][mask])),
    },
    null,
    2,
  ),
);
