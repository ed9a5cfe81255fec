// A Batch → packs: the visible tokens of several texts, one after another, no padding between them.
import { RobertalbertError, show } from "../errors.ts";
import type { Batch } from "./inputs.ts";

/** Tokens that go through the layers together. More gains nothing (the matmuls are at full speed), and memory stays bounded. */
const PACK_TOKENS = 512;

/** i32 [texts][4], as assembly/layer.ts reads it: first row, keys, first query row, queries. */
export type TextTable = Int32Array;

export interface Pack {
  /** For each row its place b·T + t in the batch. */
  places: Int32Array;
  /** Rows that nobody attends to: a hidden position 0 that the pooler reads. They stand last in their text. */
  unattended: Uint8Array;
  /** Every row is a query: all layers but the last. */
  texts: TextTable;
  /** The last layer: the rows to compute, ascending, or undefined for all; and the table that belongs to them. */
  picks: Int32Array | undefined;
  lastTexts: TextTable;
  /** For each text that has rows, its number in the batch and, if the pooler is read, which query row of the last layer is its position 0. */
  textNumbers: number[];
  poolerRows: number[];
  mostKeys: number;
}

/** Which positions' outputs are wanted: per text a list, or undefined for all. */
export type OutputRows = readonly (readonly number[])[] | undefined;

/** @throws INPUT_INVALID when output_rows is not one list of positions per text */
export function checkOutputRows(rows: OutputRows, batch: Batch): void {
  if (rows === undefined) return;
  if (!Array.isArray(rows) || rows.length !== batch.B) {
    throw new RobertalbertError(
      "INPUT_INVALID",
      `output_rows is ${show(rows)}, expected one list of positions for each of ${batch.B} texts`,
    );
  }
  rows.forEach((list, b) => {
    const isList = Array.isArray(list);
    const bad = isList ? list.findIndex((t) => !Number.isInteger(t) || t < 0 || t >= batch.T) : 0;
    if (bad < 0) return;
    throw new RobertalbertError(
      "INPUT_INVALID",
      `output_rows of text ${b} has ${show(isList ? list[bad] : list)}, expected positions from 0 and below ${batch.T}`,
    );
  });
}

/**
 * @param wanted the positions whose final hidden state will be read; undefined for all
 * @param pooled whether position 0 of each text is read as well
 */
export function makePacks(batch: Batch, wanted: OutputRows, pooled: boolean): Pack[] {
  const packs: Pack[] = [];
  let builder = new PackBuilder(batch, wanted, pooled);
  for (let b = 0; b < batch.B; b++) {
    const positions: number[] = [];
    for (let t = 0; t < batch.T; t++) if (batch.visible[b * batch.T + t]) positions.push(t);
    if (positions.length === 0) continue; // nothing to compute: its outputs stay 0
    if (builder.size > 0 && builder.size + positions.length > PACK_TOKENS) {
      packs.push(builder.finish());
      builder = new PackBuilder(batch, wanted, pooled);
    }
    builder.add(b, positions);
  }
  if (builder.size > 0) packs.push(builder.finish());
  return packs;
}

class PackBuilder {
  private readonly places: number[] = [];
  private readonly unattended: number[] = [];
  private readonly texts: number[] = [];
  private readonly picks: number[] = [];
  private readonly lastTexts: number[] = [];
  private readonly textNumbers: number[] = [];
  private readonly poolerRows: number[] = [];
  private mostKeys = 0;
  private readonly batch: Batch;
  private readonly wanted: OutputRows;
  private readonly pooled: boolean;

  constructor(batch: Batch, wanted: OutputRows, pooled: boolean) {
    this.batch = batch;
    this.wanted = wanted;
    this.pooled = pooled;
  }

  get size(): number {
    return this.places.length;
  }

  add(b: number, visible: readonly number[]): void {
    const keys = visible.length;
    const firstRow = this.places.length;
    const firstPick = this.picks.length;
    const wanted = this.wanted === undefined ? undefined : new Set(this.wanted[b]);
    const hiddenPooler = this.pooled && visible[0] !== 0;
    const positions = hiddenPooler ? [...visible, 0] : visible;
    positions.forEach((t, i) => {
      const isHidden = i === keys;
      const isPooler = this.pooled && t === 0;
      if (isPooler || wanted === undefined || wanted.has(t)) {
        if (isPooler) this.poolerRows.push(this.picks.length);
        this.picks.push(this.places.length);
      }
      this.places.push(b * this.batch.T + t);
      this.unattended.push(isHidden ? 1 : 0);
    });
    this.texts.push(firstRow, keys, firstRow, positions.length);
    this.lastTexts.push(firstRow, keys, firstPick, this.picks.length - firstPick);
    this.textNumbers.push(b);
    this.mostKeys = Math.max(this.mostKeys, keys);
  }

  finish(): Pack {
    const all = this.picks.length === this.places.length;
    return {
      places: Int32Array.from(this.places),
      unattended: Uint8Array.from(this.unattended),
      texts: Int32Array.from(this.texts),
      picks: all ? undefined : Int32Array.from(this.picks),
      lastTexts: Int32Array.from(this.lastTexts),
      textNumbers: this.textNumbers,
      poolerRows: this.poolerRows,
      mostKeys: this.mostKeys,
    };
  }
}
