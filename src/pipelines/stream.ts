// Inputs in, results out, in order: rows of all inputs share batches of about as many tokens, and no more is held than that.
import { expectOptions } from "../errors.ts";
import { expectSignal, throwIfAborted, untilAborted } from "../model/pretrained-model.ts";
import { nextTurn } from "../turn.ts";

/** What the model computes for a pipeline: a text, a pair, or a window of either. */
export interface Row {
  ids: readonly number[];
  /** token_type_ids, where the tokenizer gives them. */
  types?: readonly number[];
}

/** The three steps of a pipeline. */
export interface Work<Input, R extends Row, Value, Result> {
  /** At least one row. */
  encode(input: Input): readonly R[];
  /** One value for each row. */
  forward(rows: readonly R[]): Promise<readonly Value[]>;
  finish(input: Input, rows: readonly R[], values: readonly Value[]): Result;
}

/** One input, several, or as many as come. */
export type Inputs<Input> = Input | readonly Input[] | AsyncIterable<Input>;

/** Tokens that are given to the model together: four full packs, so that the last, partly filled one costs little. */
const BATCH_TOKENS = 2048;

interface Entry<Input, R, Value> {
  input: Input;
  rows: readonly R[];
  values: Value[];
  missing: number;
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/**
 * Runs inputs through the steps, and gives results in the order of the inputs. An async source that has nothing ready is not
 * waited for while rows are: they are computed then, so that a slow source gets its results at once.
 * @param makeWork checks the options; what it throws comes with the first result
 * @throws OPTION_INVALID for options that are none, ABORTED when the signal fires, and whatever the source throws
 */
export async function* stream<Input, R extends Row, Value, Result>(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  makeWork: () => Work<Input, R, Value, Result>,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<Result, void, undefined> {
  expectOptions(options);
  const { signal } = options;
  expectSignal(signal);
  const work = makeWork();
  const entries: Entry<Input, R, Value>[] = [];
  const pending: { entry: Entry<Input, R, Value>; index: number }[] = [];
  let tokens = 0;

  const runBatch = async () => {
    const batch: typeof pending = [];
    let size = 0;
    while (pending.length > 0) {
      const { entry, index } = pending[0]!;
      const length = entry.rows[index]!.ids.length;
      if (size > 0 && size + length > BATCH_TOKENS) break;
      batch.push(pending.shift()!);
      size += length;
    }
    tokens -= size;
    const values = await work.forward(batch.map(({ entry, index }) => entry.rows[index]!));
    batch.forEach(({ entry, index }, i) => {
      entry.values[index] = values[i]!;
      entry.missing--;
    });
  };
  function* finished(): Generator<Result> {
    while (entries[0]?.missing === 0) {
      const { input, rows, values } = entries.shift()!;
      yield work.finish(input, rows, values);
    }
  }

  const source = isAsyncIterable(inputs) ? inputs[Symbol.asyncIterator]() : inputs[Symbol.iterator]();
  let ended = false;
  try {
    while (!ended) {
      throwIfAborted(signal);
      const next = source.next();
      if (next instanceof Promise) {
        next.catch(() => undefined); // awaited below, maybe only after a batch
        while (pending.length > 0 && !(await isReady(next))) {
          await runBatch();
          yield* finished();
        }
      }
      // A source may be silent for as long as it likes: the signal is heard nevertheless.
      const { value, done } = await (signal && next instanceof Promise ? untilAborted(next, signal) : next);
      if (done) {
        ended = true;
        break;
      }
      const rows = work.encode(value);
      const entry = { input: value, rows, values: [], missing: rows.length };
      entries.push(entry);
      rows.forEach((row, index) => {
        pending.push({ entry, index });
        tokens += row.ids.length;
      });
      while (tokens >= BATCH_TOKENS) {
        await runBatch();
        yield* finished();
      }
    }
    while (pending.length > 0) {
      await runBatch();
      yield* finished();
    }
  } finally {
    if (!ended) {
      const closed = Promise.resolve(source.return?.());
      // One that was aborted while it was silent answers this, too, only when it speaks again.
      if (signal?.aborted) closed.catch(() => undefined);
      else await closed;
    }
  }
}

/** A result for one input, an array for an array, and for an async iterable the results as they come. */
export function answer<Input, R extends Row, Value, Result>(
  inputs: Inputs<Input>,
  makeWork: () => Work<Input, R, Value, Result>,
  options?: { signal?: AbortSignal },
): Promise<Result> | Promise<Result[]> | AsyncGenerator<Result, void, undefined> {
  if (isAsyncIterable(inputs)) return stream(inputs as AsyncIterable<Input>, makeWork, options);
  const isMany = Array.isArray(inputs);
  const all = collect<Result>(stream(isMany ? (inputs as readonly Input[]) : [inputs as Input], makeWork, options));
  return isMany ? all : (all.then((results) => results[0]) as Promise<Result>);
}

export async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

/** The rows side by side, padded on the right; padding is not computed. */
export function toModelInputs(rows: readonly Row[]): {
  input_ids: { data: Int32Array; dims: number[] };
  attention_mask: { data: Int32Array; dims: number[] };
  token_type_ids?: { data: Int32Array; dims: number[] };
} {
  const T = Math.max(...rows.map((row) => row.ids.length));
  const dims = [rows.length, T];
  const column = (values: (row: Row) => readonly number[] | undefined) => {
    const data = new Int32Array(rows.length * T);
    for (const [b, row] of rows.entries()) data.set(values(row) ?? [], b * T);
    return { data, dims };
  };
  return {
    input_ids: column((row) => row.ids),
    attention_mask: column((row) => row.ids.map(() => 1)),
    ...(rows.some((row) => row.types) && { token_type_ids: column((row) => row.types) }),
  };
}

async function isReady(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), nextTurn().then(() => false)]);
}
