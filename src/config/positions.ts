// Which rows of the position table a text uses: counted as ALBERT does (and so RoBERTAlbert), or as RoBERTa does.
import type { AlbertConfig } from "./config.ts";

export interface Positions {
  /** Rows of the table: max_position_embeddings, and the most tokens that ALBERT's way of counting takes. */
  rows: number;
  /** The tokenizer's model_max_length; null where it sets no limit. */
  tokenizer_tokens: number | null;
  /** Rows at the table's end that no text of the tokenizer's length uses. */
  unused_rows: number;
  /** Counted as RoBERTa does: the first token's row, pad_token_id + 1, and how many tokens fit. */
  roberta_first_row: number;
  roberta_tokens: number;
  /** What is wrong, and what to do; null when nothing is. */
  warning: string | null;
}

/** @param tokenizerConfig tokenizer_config.json, parsed, whatever it holds; undefined where there is none */
export function positionsOf(config: AlbertConfig, tokenizerConfig: unknown): Positions {
  const rows = config.max_position_embeddings;
  const first = (config.pad_token_id ?? 0) + 1;
  const { model_max_length: modelMaxLength } = (tokenizerConfig ?? {}) as { model_max_length?: unknown };
  // Transformers writes 1e30 for "no limit", and takes a key that is not there for it.
  const limit = typeof modelMaxLength === "number" && modelMaxLength < 1e9 ? modelMaxLength : null;
  return {
    rows,
    tokenizer_tokens: limit,
    unused_rows: limit === null ? 0 : Math.max(0, rows - limit),
    roberta_first_row: first,
    roberta_tokens: Math.max(0, rows - first),
    warning: warningOf(limit, rows, tokenizerConfig !== undefined),
  };
}

/** One line. */
export function describePositions(positions: Positions): string {
  const {
    rows,
    tokenizer_tokens: limit,
    unused_rows: unused,
    roberta_first_row: first,
    roberta_tokens: fit,
  } = positions;
  const last = rows - 1;
  const tokenizer =
    limit === null || limit > rows
      ? ""
      : `; the tokenizer cuts at ${limit}${unused === 0 ? "" : `, row${unused === 1 ? ` ${last}` : `s ${rows - unused} … ${last}`} unused`}`;
  return `${rows} rows, 0 … ${last}: up to ${rows} tokens${tokenizer}; counted as RoBERTa from ${first}: up to ${fit}`;
}

function warningOf(limit: number | null, rows: number, hasTokenizer: boolean): string | null {
  if (limit === null && !hasTokenizer) return null;
  const advice = `set "model_max_length": ${Math.min(512, rows)} in tokenizer_config.json`;
  if (limit === null)
    return `the tokenizer sets no limit, the model has ${rows} positions: truncation alone cuts nothing; ${advice}`;
  if (limit > rows)
    return `the tokenizer lets ${limit} tokens pass, the model has ${rows} positions: longer texts than that are an error; ${advice}`;
  return null;
}
