// The question-answering pipeline: a question and a text in, the parts of the text that answer it out.
import { RobertalbertError, readFlag } from "../errors.ts";
import type { AlbertForQuestionAnswering } from "../model/albert.ts";
import { bestSpans, nullScore, type SpanLogits, spanProbabilities } from "./answer-spans.ts";
import { collect, type Inputs, isAsyncIterable, stream, toModelInputs, type Work } from "./stream.ts";
import {
  expectText,
  type RowOptions,
  readTopK,
  readWhole,
  type TextOptions,
  TextPipeline,
  type TextRow,
} from "./text-pipeline.ts";

export interface QuestionAnsweringOptions extends TextOptions {
  /** How many answers. Default 1: then an answer by itself is given, else a list. */
  top_k?: number;
  /** Tokens of an answer at most. Default 15. */
  max_answer_len?: number;
  /** Whether "no answer" (the empty string) competes. Default false. */
  handle_impossible_answer?: boolean;
  /** Whether answers are whole words. Default true. */
  align_to_words?: boolean;
  /** Tokens that windows of a long text share. Default 128, at most half of max_length. */
  doc_stride?: number;
}

export interface QuestionInput {
  question: string;
  context: string;
}

export interface Answer {
  /** Probability of start × of end; those of one answer found at several places are added up, as in Transformers. */
  score: number;
  /** [start, end) in the context, in UTF-16 units. */
  start: number;
  end: number;
  answer: string;
}

/** One answer by itself, or a list where `top_k` is another number than 1. */
type AnswersOf<Options> = Options extends { top_k: infer K } ? (K extends 1 ? Answer : Answer[]) : Answer;

export interface QuestionAnsweringPipeline {
  <const Options extends QuestionAnsweringOptions>(
    question: string,
    context: string,
    options?: Options,
  ): Promise<AnswersOf<Options>>;
  <const Options extends QuestionAnsweringOptions>(
    questions: readonly string[],
    contexts: readonly string[],
    options?: Options,
  ): Promise<AnswersOf<Options>[]>;
  <const Options extends QuestionAnsweringOptions>(
    input: QuestionInput,
    options?: Options,
  ): Promise<AnswersOf<Options>>;
  <const Options extends QuestionAnsweringOptions>(
    inputs: readonly QuestionInput[],
    options?: Options,
  ): Promise<AnswersOf<Options>[]>;
  <const Options extends QuestionAnsweringOptions>(
    inputs: AsyncIterable<QuestionInput>,
    options?: Options,
  ): AsyncGenerator<AnswersOf<Options>, void, undefined>;
}

/** Tokens of a window, question included, as Transformers' pipeline had it. */
const WINDOW_TOKENS = 384;
const STRIDE_TOKENS = 128;

/**
 * Call forms of transformers.js and of Transformers, the rules of Transformers 5.2, the last that had this pipeline.
 * A context that is too long is read in windows unless `on_too_long` says otherwise.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: Callable makes the instance a function
export class QuestionAnsweringPipeline extends TextPipeline<AlbertForQuestionAnswering> {
  readonly task = "question-answering";

  /** @throws INPUT_INVALID, INPUT_TOO_LONG, OPTION_INVALID, ABORTED, DISPOSED */
  _call(
    question: Inputs<string | QuestionInput>,
    contextOrOptions?: string | readonly string[] | QuestionAnsweringOptions,
    lastOptions?: QuestionAnsweringOptions,
  ) {
    const hasContext = typeof contextOrOptions === "string" || Array.isArray(contextOrOptions);
    const options = (hasContext ? lastOptions : (contextOrOptions as QuestionAnsweringOptions)) ?? {};
    if (isAsyncIterable(question))
      return stream(question as AsyncIterable<QuestionInput>, () => this.work(options), options);
    const context = hasContext ? (contextOrOptions as string | readonly string[]) : undefined;
    return this.all(question as string | QuestionInput | readonly (string | QuestionInput)[], context, options);
  }

  private async all(
    question: string | QuestionInput | readonly (string | QuestionInput)[],
    context: string | readonly string[] | undefined,
    options: QuestionAnsweringOptions,
  ): Promise<Answer | Answer[] | (Answer | Answer[])[]> {
    const inputs = pair(question, context);
    const answers = await collect(stream(inputs, () => this.work(options), options));
    return Array.isArray(question) ? answers : answers[0]!;
  }

  private work(options: QuestionAnsweringOptions): Work<QuestionInput, TextRow, SpanLogits, Answer | Answer[]> {
    const top_k = readTopK(options.top_k, 1);
    const longest = readWhole(options.max_answer_len, "max_answer_len", 15, 1);
    const aligned = readFlag(options.align_to_words, "align_to_words", true);
    const mayBeNone = readFlag(options.handle_impossible_answer, "handle_impossible_answer");
    const max_length = Math.min(this.maxLength(options), options.max_length ?? WINDOW_TOKENS);
    return {
      encode: (input) => this.windows(input, max_length, options),
      forward: (rows) => this.logits(rows, options.signal),
      finish: ({ context }, rows, values) => {
        const answers = this.answers(context, rows, values, { top_k, longest, aligned, mayBeNone });
        return top_k === 1 ? answers[0]! : answers;
      },
    };
  }

  private windows(input: QuestionInput, max_length: number, options: QuestionAnsweringOptions): TextRow[] {
    const { question, context } = input ?? {};
    expectText(question, "a question");
    expectText(context, "a context");
    const room = max_length - this.tokenizer.encode(question, { text_pair: "" }).length;
    const usual = Math.min(max_length >> 1, STRIDE_TOKENS);
    // A long question may leave less room than the usual stride: half of it then.
    const stride = readWhole(options.doc_stride, "doc_stride", usual < room ? usual : Math.max(0, room >> 1), 0);
    const rowOptions: RowOptions = { truncation: "only_second", stride, withOffsets: true };
    return this.rows(question, context, { on_too_long: "window", ...options, max_length }, rowOptions);
  }

  private async logits(rows: readonly TextRow[], signal: AbortSignal | undefined): Promise<SpanLogits[]> {
    const output_rows = rows.map((row) => [...row.ids.keys()]);
    const output = await this.model(toModelInputs(rows), { output_rows, ...(signal && { signal }) });
    const [start, end] = [output.start_logits, output.end_logits].map((t) => t.data as Float32Array);
    let last = 0;
    return rows.map((row) => {
      const first = last;
      last += row.ids.length;
      return { start: start!.slice(first, last), end: end!.slice(first, last) };
    });
  }

  /** Best first. */
  private answers(
    context: string,
    rows: readonly TextRow[],
    values: readonly SpanLogits[],
    { top_k, longest, aligned, mayBeNone }: { top_k: number; longest: number; aligned: boolean; mayBeNone: boolean },
  ): Answer[] {
    const answers: Answer[] = [];
    let noAnswer = 1;
    rows.forEach((row, i) => {
      const isContext = (t: number) => row.sequences![t] === 1;
      const probabilities = spanProbabilities(
        values[i]!,
        (t) => isContext(t) || row.ids[t] === this.tokenizer.cls_token_id,
      );
      noAnswer = Math.min(noAnswer, nullScore(probabilities));
      // Words that answer by several of their tokens make duplicates: look at some more than are wanted.
      const count = aligned ? top_k * 2 + 10 : top_k;
      for (const { first, last, score } of bestSpans(probabilities, isContext, longest, count)) {
        const [start, end] = aligned ? wordSpan(row, first, last) : tokenSpan(row, first, last);
        const text = context.slice(start, end);
        const same = answers.find(({ answer }) => answer.toLowerCase() === text.toLowerCase());
        if (same) same.score += score;
        else answers.push({ score, start, end, answer: text });
      }
    });
    if (mayBeNone || answers.length === 0) answers.push({ score: noAnswer, start: 0, end: 0, answer: "" });
    return answers.sort((a, b) => b.score - a.score).slice(0, top_k);
  }
}

function tokenSpan({ offsets }: TextRow, first: number, last: number): [number, number] {
  return [offsets![first]![0], offsets![last]![1]];
}

/** From the first token of the first token's word to the last token of the last token's word. */
function wordSpan(row: TextRow, first: number, last: number): [number, number] {
  const words = row.words!;
  const isSame = (t: number, other: number) => row.sequences![t] === 1 && words[t] === words[other];
  let [from, to] = [first, last];
  if (words[first] !== null) while (isSame(from - 1, first)) from--;
  if (words[last] !== null) while (isSame(to + 1, last)) to++;
  return tokenSpan(row, from, to);
}

/** The call forms as a list of questions with their contexts. */
function pair(
  question: string | QuestionInput | readonly (string | QuestionInput)[],
  context: string | readonly string[] | undefined,
): QuestionInput[] {
  const questions = Array.isArray(question) ? question : [question];
  const contexts = Array.isArray(context) ? context : questions.map(() => context);
  if (Array.isArray(context) !== Array.isArray(question) && context !== undefined && Array.isArray(context)) {
    throw new RobertalbertError("INPUT_INVALID", "question is one and context an array: pass as many of both");
  }
  if (contexts.length !== questions.length) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `there are ${questions.length} questions and ${contexts.length} contexts, expected as many`,
    );
  }
  return questions.map((q, i) => (typeof q === "string" ? { question: q, context: contexts[i] as string } : q));
}
