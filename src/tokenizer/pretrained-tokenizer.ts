// PreTrainedTokenizer: the front of a tokenizer. Text in, ids and masks out, and back again.
import { Callable } from "../callable.ts";
import { RobertalbertError, show } from "../errors.ts";
import { Tensor } from "../tensor.ts";
import { type AddedToken, AddedTokenFinder } from "./added-tokens.ts";
import { type Algorithm, TokenSink } from "./algorithm.ts";
import { SPECIAL_NAMES, type SpecialName, type TokenizerDefinition } from "./definition.ts";
import { BARE, type TemplatePiece } from "./template.ts";
import { keptLengths, type TruncationStrategy } from "./truncation.ts";

export interface TokenizerCallOptions {
  /** The second text, or as many as there are texts. */
  text_pair?: string | readonly string[] | null;
  /** Default true. */
  add_special_tokens?: boolean;
  /** true or "longest": to the longest of the batch; "max_length": to max_length. Default false. */
  padding?: boolean | "longest" | "max_length";
  /** Default: what tokenizer_config.json says, else "right". */
  padding_side?: "left" | "right";
  /** true is "longest_first". The special tokens always stay. Default false. */
  truncation?: boolean | TruncationStrategy | null;
  /** Tokens, special ones included. Default: the model's, `model_max_length`. */
  max_length?: number | null;
  /** Adds token_type_ids. Default: where the tokenizer's model_input_names has them. */
  return_token_type_ids?: boolean | null;
  /** Default true: int64 Tensors [texts, tokens]. false: arrays, for one text not nested. */
  return_tensor?: boolean;
}

/** `input_ids`, `attention_mask` and, where asked for, `token_type_ids`. */
export interface BatchEncoding<Value = Tensor> {
  input_ids: Value;
  attention_mask: Value;
  token_type_ids?: Value;
}

export interface PreTrainedTokenizer {
  (text: string, options: TokenizerCallOptions & { return_tensor: false }): BatchEncoding<number[]>;
  (text: readonly string[], options: TokenizerCallOptions & { return_tensor: false }): BatchEncoding<number[][]>;
  (text: string | readonly string[], options?: TokenizerCallOptions): BatchEncoding;
}

interface Row {
  ids: number[];
  typeIds: number[];
}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class PreTrainedTokenizer extends Callable {
  readonly model_max_length: number;
  readonly padding_side: "left" | "right";
  readonly add_prefix_space: boolean;
  private readonly algorithm: Algorithm;
  private readonly definition: TokenizerDefinition;
  private readonly inText: AddedTokenFinder;
  private readonly inNormalized: AddedTokenFinder;
  private readonly addedById: ReadonlyMap<number, AddedToken>;
  private readonly idOfAdded: ReadonlyMap<string, number>;

  constructor(definition: TokenizerDefinition) {
    super();
    this.definition = definition;
    this.algorithm = definition.algorithm;
    this.model_max_length = definition.modelMaxLength;
    this.padding_side = definition.config.padding_side === "left" ? "left" : "right";
    this.add_prefix_space = definition.addPrefixSpace;
    const added = definition.addedTokens;
    this.inText = new AddedTokenFinder(new Map(added.filter((t) => !t.normalized).map((t) => [t.content, t])));
    this.inNormalized = new AddedTokenFinder(
      new Map(added.filter((t) => t.normalized).map((t) => [this.algorithm.normalize(t.content).text, t])),
    );
    this.addedById = new Map(added.map((t) => [t.id, t]));
    this.idOfAdded = new Map(added.map((t) => [t.content, t.id]));
  }

  get bos_token(): string | undefined {
    return this.definition.specials.bos_token;
  }
  get eos_token(): string | undefined {
    return this.definition.specials.eos_token;
  }
  get unk_token(): string | undefined {
    return this.definition.specials.unk_token;
  }
  get sep_token(): string | undefined {
    return this.definition.specials.sep_token;
  }
  get pad_token(): string | undefined {
    return this.definition.specials.pad_token;
  }
  get cls_token(): string | undefined {
    return this.definition.specials.cls_token;
  }
  get mask_token(): string | undefined {
    return this.definition.specials.mask_token;
  }
  get bos_token_id(): number | undefined {
    return this.specialId("bos_token");
  }
  get eos_token_id(): number | undefined {
    return this.specialId("eos_token");
  }
  get unk_token_id(): number | undefined {
    return this.specialId("unk_token");
  }
  get sep_token_id(): number | undefined {
    return this.specialId("sep_token");
  }
  get pad_token_id(): number | undefined {
    return this.specialId("pad_token");
  }
  get cls_token_id(): number | undefined {
    return this.specialId("cls_token");
  }
  get mask_token_id(): number | undefined {
    return this.specialId("mask_token");
  }
  /** The special tokens, each once. */
  get all_special_tokens(): string[] {
    return [...new Set(SPECIAL_NAMES.flatMap((name) => this.definition.specials[name] ?? []))];
  }
  get all_special_ids(): number[] {
    return this.convert_tokens_to_ids(this.all_special_tokens);
  }

  /**
   * Encodes one text or many.
   * @throws INPUT_INVALID for what is no string, or texts of unequal length without padding; OPTION_INVALID
   */
  _call(
    text: string | readonly string[],
    options: TokenizerCallOptions = {},
  ): BatchEncoding<Tensor | number[] | number[][]> {
    const isBatch = typeof text !== "string";
    const texts = isBatch ? text : [text];
    const pairs = readPairs(options.text_pair, texts, isBatch);
    if (!Array.isArray(texts) || texts.length === 0)
      throw new RobertalbertError(
        "INPUT_INVALID",
        `text is ${show(text)}, expected a string or a non-empty array of strings`,
      );
    const maxLength = this.readMaxLength(options);
    const strategy = readStrategy(options.truncation);
    const rows = texts.map((t, i) =>
      this.encodeRow(t, pairs?.[i], options.add_special_tokens ?? true, strategy && { maxLength, strategy }),
    );
    const masks = this.pad(rows, options, maxLength);
    const names = this.definition.config.model_input_names;
    const withTypes = options.return_token_type_ids ?? (Array.isArray(names) && names.includes("token_type_ids"));
    const ids = rows.map((row) => row.ids);
    const types = rows.map((row) => row.typeIds);
    if (options.return_tensor ?? true) {
      return {
        input_ids: toTensor(ids),
        attention_mask: toTensor(masks),
        ...(withTypes && { token_type_ids: toTensor(types) }),
      };
    }
    if (isBatch) return { input_ids: ids, attention_mask: masks, ...(withTypes && { token_type_ids: types }) };
    return { input_ids: ids[0]!, attention_mask: masks[0]!, ...(withTypes && { token_type_ids: types[0]! }) };
  }

  /** The ids of one text, or of a pair. */
  encode(
    text: string,
    options: Pick<TokenizerCallOptions, "add_special_tokens"> & { text_pair?: string | null } = {},
  ): number[] {
    return this.encodeRow(text, options.text_pair ?? undefined, options.add_special_tokens ?? true, undefined).ids;
  }

  /** The tokens of a text as they stand in the vocabulary. Default: without special tokens. */
  tokenize(text: string, options: { text_pair?: string | null; add_special_tokens?: boolean } = {}): string[] {
    return this.convert_ids_to_tokens(this.encode(text, { add_special_tokens: false, ...options }));
  }

  /**
   * Ids back to text. Bytes that are no UTF-8 become U+FFFD; ids that no token has are left out, as Transformers does.
   * @param options.skip_special_tokens default false
   * @param options.clean_up_tokenization_spaces removes blanks before punctuation. Default false: Transformers 5 ignores it for BPE
   */
  decode(
    ids: ArrayLike<number | bigint> | Tensor,
    options: { skip_special_tokens?: boolean; clean_up_tokenization_spaces?: boolean } = {},
  ): string {
    const tokens: string[] = [];
    for (const value of Array.from(((ids as Tensor).data ?? ids) as ArrayLike<number | bigint>)) {
      const id = Number(value);
      const added = this.addedById.get(id);
      if (added?.special && options.skip_special_tokens) continue;
      const token = added?.content ?? this.algorithm.idToToken(id);
      if (token !== undefined) tokens.push(token);
    }
    const text = this.algorithm.decode(tokens);
    return options.clean_up_tokenization_spaces ? cleanUp(text) : text;
  }

  /** Decodes the rows of a batch. */
  batch_decode(
    batch: Tensor | readonly ArrayLike<number | bigint>[],
    options: { skip_special_tokens?: boolean; clean_up_tokenization_spaces?: boolean } = {},
  ): string[] {
    const rows = Array.isArray(batch) ? batch : ((batch as Tensor).tolist() as number[][]);
    return rows.map((row) => this.decode(row, options));
  }

  /** An unknown token gets the id of unk_token. */
  convert_tokens_to_ids(tokens: string): number;
  convert_tokens_to_ids(tokens: readonly string[]): number[];
  convert_tokens_to_ids(tokens: string | readonly string[]): number | number[] {
    if (typeof tokens !== "string") return tokens.map((token) => this.convert_tokens_to_ids(token));
    const id = this.idOf(tokens) ?? this.unk_token_id;
    if (id !== undefined) return id;
    throw new RobertalbertError(
      "INPUT_INVALID",
      `${show(tokens)} is no token of the vocabulary, and there is no unk_token`,
    );
  }

  /** An id that no token has gives the empty string. */
  convert_ids_to_tokens(ids: ArrayLike<number | bigint>): string[] {
    return Array.from(
      ids,
      (id) => this.addedById.get(Number(id))?.content ?? this.algorithm.idToToken(Number(id)) ?? "",
    );
  }

  /** How many special tokens are put around one text, or a pair. */
  num_special_tokens_to_add(pair = false): number {
    return countSpecials(pair ? this.definition.template.pair : this.definition.template.single);
  }

  private idOf(token: string): number | undefined {
    return this.idOfAdded.get(token) ?? this.algorithm.tokenToId(token);
  }

  private specialId(name: SpecialName): number | undefined {
    const token = this.definition.specials[name];
    return token === undefined ? undefined : this.idOf(token);
  }

  private encodeRow(
    first: string,
    second: string | undefined,
    addSpecials: boolean,
    truncate: { maxLength: number; strategy: TruncationStrategy } | undefined,
  ): Row {
    const template = addSpecials ? this.definition.template : BARE;
    const pieces = second === undefined ? template.single : template.pair;
    const parts = [this.encodeText(first)];
    if (second !== undefined) parts.push(this.encodeText(second));
    if (truncate) {
      const room = truncate.maxLength - countSpecials(pieces);
      if (room < 0)
        throw new RobertalbertError(
          "OPTION_INVALID",
          `max_length is ${truncate.maxLength}, the special tokens alone are ${countSpecials(pieces)}: raise it, or pass add_special_tokens: false`,
        );
      const kept = keptLengths(parts[0]!.length, parts[1]?.length, room, truncate.strategy);
      const fromLeft = this.definition.config.truncation_side === "left";
      parts.forEach((part, i) => {
        parts[i] = fromLeft ? part.slice(part.length - kept[i]!) : part.slice(0, kept[i]);
      });
    }
    const row: Row = { ids: [], typeIds: [] };
    for (const { id, sequence, typeId } of pieces) {
      for (const token of id === undefined ? parts[sequence]! : [id]) {
        row.ids.push(token);
        row.typeIds.push(typeId);
      }
    }
    return row;
  }

  private encodeText(text: string): Int32Array {
    if (typeof text !== "string")
      throw new RobertalbertError("INPUT_INVALID", `a text is ${show(text)}, expected a string`);
    const sink = new TokenSink(false);
    const take = (token: AddedToken) => {
      sink.reserve(1);
      sink.ids[sink.length++] = token.id;
    };
    for (const { token, start, end } of this.inText.split(text, 0, text.length)) {
      if (token) {
        take(token);
        continue;
      }
      const source = this.algorithm.normalize(start === 0 && end === text.length ? text : text.slice(start, end));
      for (const part of this.inNormalized.split(source.text, 0, source.text.length)) {
        if (part.token) take(part.token);
        else this.algorithm.encode(source, part.start, part.end, start === 0 && part.start === 0, sink);
      }
    }
    return sink.ids.subarray(0, sink.length);
  }

  /** Pads the rows in place and gives their attention masks. */
  private pad(rows: Row[], options: TokenizerCallOptions, maxLength: number): number[][] {
    const { padding = false, padding_side: side = this.padding_side } = options;
    if (![true, false, "longest", "max_length"].includes(padding)) {
      throw new RobertalbertError(
        "OPTION_INVALID",
        `padding is ${show(padding)}, expected true, false, "longest" or "max_length"`,
      );
    }
    if (side !== "left" && side !== "right")
      throw new RobertalbertError("OPTION_INVALID", `padding_side is ${show(side)}, expected "left" or "right"`);
    if (padding === false) return rows.map((row) => row.ids.map(() => 1));
    const length = padding === "max_length" ? maxLength : Math.max(...rows.map((row) => row.ids.length));
    if (!Number.isInteger(length) || length > 2 ** 30)
      throw new RobertalbertError(
        "OPTION_INVALID",
        'padding "max_length" needs max_length: the tokenizer has no model_max_length',
      );
    const pad = this.pad_token_id;
    if (pad === undefined)
      throw new RobertalbertError("OPTION_INVALID", "padding needs a pad_token, and the tokenizer has none");
    return rows.map((row) => {
      const missing = Math.max(0, length - row.ids.length);
      const filled = (values: readonly number[], filler: number) => {
        const rest = new Array<number>(missing).fill(filler);
        return side === "left" ? [...rest, ...values] : [...values, ...rest];
      };
      const mask = filled(new Array<number>(row.ids.length).fill(1), 0);
      row.ids = filled(row.ids, pad);
      row.typeIds = filled(row.typeIds, 0);
      return mask;
    });
  }

  private readMaxLength({ max_length }: TokenizerCallOptions): number {
    if (max_length === undefined || max_length === null) return this.model_max_length;
    if (Number.isInteger(max_length) && max_length >= 0) return max_length;
    throw new RobertalbertError(
      "OPTION_INVALID",
      `max_length is ${show(max_length)}, expected a whole number from 0 up`,
    );
  }
}

function countSpecials(pieces: readonly TemplatePiece[]): number {
  return pieces.filter((piece) => piece.id !== undefined).length;
}

function readPairs(
  pair: TokenizerCallOptions["text_pair"],
  texts: readonly string[],
  isBatch: boolean,
): readonly string[] | undefined {
  if (pair === undefined || pair === null) return undefined;
  const pairs = typeof pair === "string" ? [pair] : pair;
  if ((typeof pair === "string") === isBatch || pairs.length !== texts.length) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `text_pair is ${show(pair)}, expected ${isBatch ? `an array of ${texts.length} strings` : "a string"} as text is`,
    );
  }
  return pairs;
}

function readStrategy(truncation: TokenizerCallOptions["truncation"]): TruncationStrategy | undefined {
  if (truncation === undefined || truncation === null || truncation === false) return undefined;
  if (truncation === true) return "longest_first";
  const known = ["longest_first", "only_first", "only_second"] as const;
  if (known.includes(truncation)) return truncation;
  throw new RobertalbertError(
    "OPTION_INVALID",
    `truncation is ${show(truncation)}, expected true, false or one of ${known.join(", ")}`,
  );
}

function toTensor(rows: readonly (readonly number[])[]): Tensor {
  const length = rows[0]!.length;
  const other = rows.find((row) => row.length !== length);
  if (other) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `texts have ${length} and ${other.length} tokens, a tensor needs equal lengths: pass padding: true (and truncation: true), or return_tensor: false`,
    );
  }
  return new Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, length]);
}

/** Transformers' clean_up_tokenization. */
function cleanUp(text: string): string {
  const cuts: [string, string][] = [
    [" .", "."],
    [" ?", "?"],
    [" !", "!"],
    [" ,", ","],
    [" ' ", "'"],
    [" n't", "n't"],
    [" 'm", "'m"],
    [" 's", "'s"],
    [" 've", "'ve"],
    [" 're", "'re"],
  ];
  return cuts.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);
}
