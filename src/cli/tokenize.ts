// robertalbert tokenize: the tokens of texts with their ids and where they lie, or how many there are.
import { AutoTokenizer } from "../tokenizer/auto.ts";
import type { PreTrainedTokenizer } from "../tokenizer/pretrained-tokenizer.ts";
import { type Command, type Io, JSON_OPTION, MODEL_OPTION, SHIPPED_MODEL, type Values } from "./command.ts";
import { SOURCE_OPTIONS, sourceOptions } from "./source.ts";
import { INPUT_OPTION, openTexts } from "./texts.ts";

/** Short outputs are printed together: a system call for each of a million lines takes longer than tokenising them. */
const TOGETHER = 1 << 15;

export const tokenize: Command = {
  name: "tokenize",
  summary: "the tokens of a text, their ids and where they lie",
  usage: 'TEXT… | -   ("-": lines from standard input)',
  options: {
    model: MODEL_OPTION,
    ...SOURCE_OPTIONS,
    input: INPUT_OPTION,
    pair: { type: "string", value: "TEXT", help: "a second text behind each" },
    bare: { type: "boolean", help: "without special tokens" },
    count: { type: "boolean", help: "only how many tokens, special ones included" },
    json: JSON_OPTION,
  },
  async run(values, positionals, io) {
    const { texts } = openTexts(positionals, values, io);
    const first = await texts.next();
    const location = (values.model as string | undefined) ?? SHIPPED_MODEL;
    const tokenizer = await AutoTokenizer.from_pretrained(location, sourceOptions(values, io));
    let waiting = "";
    for (let text = first; !text.done; text = await texts.next()) {
      waiting += shown(tokenizer, text.value, values, io);
      // A person who types lines wants each answer at once.
      if (waiting.length < TOGETHER && !io.isTerminal) continue;
      await io.print(waiting);
      waiting = "";
    }
    if (waiting) await io.print(waiting);
  },
};

function shown(tokenizer: PreTrainedTokenizer, text: string, values: Values, io: Io): string {
  const pair = values.pair as string | undefined;
  const options = { text_pair: pair ?? null, add_special_tokens: !values.bare };
  if (values.count) {
    const count = tokenizer.encode(text, options).length;
    return values.json ? `${JSON.stringify({ count })}\n` : `${count}\n`;
  }
  const { input_ids, offset_mapping, sequence_ids } = tokenizer(text, {
    ...options,
    return_offsets_mapping: tokenizer.has_offsets,
    return_tensor: false,
  });
  const tokens = tokenizer.convert_ids_to_tokens(input_ids);
  if (values.json) {
    const places = offset_mapping && { offsets: offset_mapping, ...(pair !== undefined && { sequence_ids }) };
    return `${JSON.stringify({ tokens, ids: input_ids, ...places })}\n`;
  }
  const rows = tokens.map((token, i) => {
    const sequence = sequence_ids?.[i];
    const row = [String(input_ids[i]), token];
    if (sequence === undefined || sequence === null) return row;
    const [start, end] = offset_mapping![i]!;
    // As JSON: a line break in a text must not break the table.
    return [...row, String(start), String(end), JSON.stringify((sequence === 0 ? text : pair!).slice(start, end))];
  });
  return `${(io.isTerminal ? table(rows) : rows.map((row) => row.join("\t"))).join("\n")}\n\n`;
}

/** Columns for a person: numbers to the right, words to the left. */
function table(rows: readonly string[][]): string[] {
  const head = ["id", "token", "start", "end", "text"];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) =>
    row
      .map((cell, column) =>
        column === 1 || column === 4 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd(),
  );
}
