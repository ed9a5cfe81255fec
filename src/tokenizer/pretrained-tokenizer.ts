// PreTrainedTokenizer: the front of a tokenizer. Text in, ids and masks out, and back again.
import { Callable } from "../callable.ts";
import { expectOptions, RobertalbertError, readFlag, show } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import type { AddedToken } from "./added-tokens.ts";
import type { Algorithm } from "./algorithm.ts";
import { type AnyBatchEncoding, type BatchEncoding, toBatchEncoding } from "./batch-encoding.ts";
import {
  expectCallOptions,
  expectCompatible,
  expectNoPlaces,
  type Padding,
  readPadding,
  readTexts,
  readTruncation,
  type Text,
  type TokenizerCallOptions,
} from "./call-options.ts";
import { cleanUp, type DecodeOptions, DecodeStream, readIds, type TokenIds } from "./decoding.ts";
import { SPECIAL_NAMES, type SpecialName, type TokenizerDefinition } from "./definition.ts";
import { makeRows, padRow, type Row, type Tokens } from "./rows.ts";
import { countSpecials, type Template, withoutSpecials } from "./template.ts";
import { TextTokenizer } from "./text-tokens.ts";
import { limitOf } from "./truncation.ts";

export interface PreTrainedTokenizer {
  (
    text: string,
    options: TokenizerCallOptions & { return_tensor: false; return_overflowing_tokens?: false },
  ): BatchEncoding<number[]>;
  (text: Text | readonly Text[], options: TokenizerCallOptions & { return_tensor: false }): BatchEncoding<number[][]>;
  (text: Text | readonly Text[], options?: TokenizerCallOptions): BatchEncoding;
}

/** Offsets are UTF-16 units throughout. A lone surrogate counts as U+FFFD, as in UTF-8 encoders. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class PreTrainedTokenizer extends Callable {
  /** Tokens that the model takes at most; Number.MAX_SAFE_INTEGER where nothing says so. */
  readonly model_max_length: number;
  padding_side: "left" | "right";
  truncation_side: "left" | "right";
  /** Whether a blank is put before a text that begins without one. */
  readonly add_prefix_space: boolean;
  private readonly algorithm: Algorithm;
  private readonly definition: TokenizerDefinition;
  private readonly textTokenizer: TextTokenizer;
  private readonly bareTemplate: Template;
  private readonly addedById: ReadonlyMap<number, AddedToken>;
  private readonly idOfAdded: ReadonlyMap<string, number>;

  constructor(definition: TokenizerDefinition) {
    super();
    this.definition = definition;
    this.algorithm = definition.algorithm;
    this.model_max_length = definition.modelMaxLength;
    this.padding_side = definition.config.padding_side === "left" ? "left" : "right";
    this.truncation_side = definition.config.truncation_side === "left" ? "left" : "right";
    this.add_prefix_space = definition.addPrefixSpace;
    this.textTokenizer = new TextTokenizer(this.algorithm, this.algorithm.isOpaque ? [] : definition.addedTokens);
    this.bareTemplate = withoutSpecials(definition.template);
    this.addedById = new Map(definition.addedTokens.map((t) => [t.id, t]));
    this.idOfAdded = new Map(definition.addedTokens.map((t) => [t.content, t.id]));
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
  /** Whether it says where tokens lie; not where @huggingface/tokenizers does the work. */
  get has_offsets(): boolean {
    return !this.algorithm.isOpaque;
  }
  /** The special tokens, each once. */
  get all_special_tokens(): string[] {
    return [...new Set(SPECIAL_NAMES.flatMap((name) => this.definition.specials[name] ?? []))];
  }
  get all_special_ids(): number[] {
    return this.convert_tokens_to_ids(this.all_special_tokens);
  }

  /**
   * Encodes one text or many; with is_split_into_words a text is a list of words.
   * @throws INPUT_INVALID for what is no text, or texts of unequal length without padding
   * @throws OPTION_INVALID naming the option, and where truncation cannot do what is asked
   * @throws OPTION_UNSUPPORTED for offsets, word ids and overflow where @huggingface/tokenizers does the work
   */
  _call(text: Text | readonly Text[], options: TokenizerCallOptions = {}): AnyBatchEncoding {
    const defaults = {
      maxLength: this.model_max_length,
      paddingSide: this.padding_side,
      truncationSide: this.truncation_side,
    };
    expectCallOptions(options);
    const truncation = readTruncation(options, defaults);
    const padding = readPadding(options, defaults);
    expectCompatible(truncation, padding);
    const inWords = options.is_split_into_words ?? false;
    const { texts, pairs, isSingle } = readTexts(text, options.text_pair, inWords);
    const offsets = options.return_offsets_mapping ?? false;
    const words = options.return_word_ids ?? false;
    if (this.algorithm.isOpaque) expectNoPlaces(options);
    const template = (options.add_special_tokens ?? true) ? this.definition.template : this.bareTemplate;
    const encode = (t: Text, isFirstOfPair: boolean): Tokens => {
      const limit = this.algorithm.isOpaque ? undefined : limitOf(truncation, isFirstOfPair);
      if (inWords) return this.textTokenizer.encodeWords(t as readonly string[], offsets || words, limit);
      return this.textTokenizer.encodeText(t as string, offsets || words, limit);
    };

    const rows: Row[] = [];
    const sampleOfRow: number[] = [];
    let longest = 0; // of the texts' own rows, not the overflow
    texts.forEach((t, i) => {
      const parts = pairs ? [encode(t, true), encode(pairs[i]!, false)] : [encode(t, true)];
      const own = makeRows(parts, template, truncation, this.add_prefix_space);
      longest = Math.max(longest, own[0]!.ids.length);
      for (const row of own) {
        rows.push(row);
        sampleOfRow.push(i);
      }
    });
    if (padding) this.pad(rows, longest, padding);
    const encoding = toBatchEncoding(rows, {
      typeIds: options.return_token_type_ids ?? this.takesTypeIds,
      specials: options.return_special_tokens_mask ?? false,
      offsets,
      words,
      asTensor: options.return_tensor ?? true,
      isSingle: isSingle && !options.return_overflowing_tokens,
    });
    if (options.return_overflowing_tokens) encoding.overflow_to_sample_mapping = sampleOfRow;
    return encoding;
  }

  /** The ids of one text, or of a pair. */
  encode(
    text: string,
    options: Pick<TokenizerCallOptions, "add_special_tokens"> & { text_pair?: string | null } = {},
  ): number[] {
    expectOptions(options);
    const { text_pair: pair } = options;
    const parts = [this.textTokenizer.encodeText(text, false, undefined)];
    if (pair !== undefined && pair !== null) parts.push(this.textTokenizer.encodeText(pair, false, undefined));
    const template = readFlag(options.add_special_tokens, "add_special_tokens", true)
      ? this.definition.template
      : this.bareTemplate;
    return makeRows(parts, template, undefined, this.add_prefix_space)[0]!.ids;
  }

  /** The tokens of a text as they stand in the vocabulary. Default: without special tokens. */
  tokenize(text: string, options: { pair?: string | null; add_special_tokens?: boolean } = {}): string[] {
    expectOptions(options);
    const { pair = null, add_special_tokens = false } = options;
    return this.convert_ids_to_tokens(this.encode(text, { text_pair: pair, add_special_tokens }));
  }

  /**
   * Ids back to text. Bytes that are no UTF-8 become U+FFFD; ids that no token has are left out, as Transformers does.
   * @param options.skip_special_tokens default false
   * @param options.clean_up_tokenization_spaces removes blanks before punctuation. Default false: Transformers 5 ignores it for BPE
   * @throws INPUT_INVALID for what are no ids
   */
  decode(ids: TokenIds, options: DecodeOptions = {}): string {
    expectOptions(options);
    const skipSpecials = readFlag(options.skip_special_tokens, "skip_special_tokens");
    const isCleaned = readFlag(options.clean_up_tokenization_spaces, "clean_up_tokenization_spaces");
    const text = this.algorithm.decode(this.tokensOf(ids, skipSpecials));
    return isCleaned ? cleanUp(text) : text;
  }

  /**
   * Decodes ids that come bit by bit: each `push` gives the text that they add, and holds back a character of which bytes are
   * still to come; `end` gives what is left. Together they are what `decode` gives for all, without clean-up.
   */
  decode_stream(options: Pick<DecodeOptions, "skip_special_tokens"> = {}): DecodeStream {
    expectOptions(options);
    const skipSpecials = readFlag(options.skip_special_tokens, "skip_special_tokens");
    return new DecodeStream(this.algorithm.decodeStream(), (ids) => this.tokensOf(ids, skipSpecials));
  }

  /** Decodes the rows of a batch. */
  batch_decode(batch: Tensor | readonly TokenIds[], options: DecodeOptions = {}): string[] {
    const rows = Array.isArray(batch) ? batch : (batch as Partial<Tensor> | undefined)?.tolist?.();
    if (!Array.isArray(rows))
      throw new RobertalbertError(
        "INPUT_INVALID",
        `batch is ${show(batch)}, expected rows of ids, or a Tensor [rows, ids]`,
      );
    return (rows as TokenIds[]).map((row) => this.decode(row, options));
  }

  /** The id of a token as it stands in the vocabulary, undefined when it is none. */
  token_to_id(token: string): number | undefined {
    if (typeof token !== "string") return undefined;
    return this.idOfAdded.get(token) ?? this.algorithm.tokenToId(token);
  }

  /** An unknown token gets the id of unk_token. */
  convert_tokens_to_ids(tokens: string): number;
  convert_tokens_to_ids(tokens: readonly string[]): number[];
  convert_tokens_to_ids(tokens: string | readonly string[]): number | number[] {
    if (Array.isArray(tokens)) return tokens.map((token) => this.convert_tokens_to_ids(token));
    if (typeof tokens !== "string")
      throw new RobertalbertError(
        "INPUT_INVALID",
        `tokens are ${show(tokens)}, expected a string or an array of strings`,
      );
    const id = this.token_to_id(tokens) ?? this.unk_token_id;
    if (id !== undefined) return id;
    throw new RobertalbertError(
      "INPUT_INVALID",
      `${show(tokens)} is no token of the vocabulary, and there is no unk_token`,
    );
  }

  /** An id that no token has gives the empty string. */
  convert_ids_to_tokens(ids: TokenIds): string[] {
    return readIds(ids).map((id) => this.tokenOf(id) ?? "");
  }

  /** Every token with its id: the vocabulary's and the added ones. */
  get_vocab(): Map<string, number> {
    const vocab = new Map<string, number>();
    for (let id = 0; id < this.algorithm.vocabularySize; id++) {
      const token = this.algorithm.idToToken(id);
      if (token !== undefined) vocab.set(token, id);
    }
    for (const [token, id] of this.idOfAdded) vocab.set(token, id);
    return vocab;
  }

  /** How many special tokens are put around one text, or a pair. */
  num_special_tokens_to_add(pair = false): number {
    return countSpecials(pair ? this.definition.template.pair : this.definition.template.single);
  }

  private specialId(name: SpecialName): number | undefined {
    const token = this.definition.specials[name];
    return token === undefined ? undefined : this.token_to_id(token);
  }

  private tokensOf(ids: TokenIds, skipSpecials: boolean): string[] {
    return readIds(ids).flatMap((id) =>
      skipSpecials && this.addedById.get(id)?.special ? [] : (this.tokenOf(id) ?? []),
    );
  }

  private tokenOf(id: number): string | undefined {
    return this.addedById.get(id)?.content ?? this.algorithm.idToToken(id);
  }

  private get takesTypeIds(): boolean {
    const names = this.definition.config.model_input_names;
    return Array.isArray(names) && names.includes("token_type_ids");
  }

  private pad(rows: readonly Row[], longest: number, { length = longest, multipleOf, side }: Padding): void {
    const id = this.pad_token_id;
    if (id === undefined)
      throw new RobertalbertError("OPTION_INVALID", "padding needs a pad_token, and the tokenizer has none");
    for (const row of rows) padRow(row, Math.ceil(length / multipleOf) * multipleOf, id, side);
  }
}
