// Where a row's outputs go: [B, T, width] for all positions, or [rows asked for, width].
import { RobertalbertError } from "../errors.ts";
import type { Batch } from "./inputs.ts";
import type { OutputRows, Pack } from "./packs.ts";

/**
 * The values of an output, all 0. Outputs are made before anything is computed.
 * @throws OUT_OF_MEMORY when JavaScript has no room for them
 */
export function outputFloats(name: string, dims: readonly number[]): Float32Array<ArrayBuffer> {
  const floats = dims.reduce((a, b) => a * b, 1);
  try {
    return new Float32Array(floats);
  } catch (cause) {
    throw new RobertalbertError(
      "OUT_OF_MEMORY",
      `${name} [${dims}] needs ${floats * 4} bytes, which JavaScript cannot give (${(cause as Error).message}): pass fewer texts at once, or the positions that you need in output_rows`,
      { cause },
    );
  }
}

export class OutputLayout {
  /** The dims in front of the width. */
  readonly dims: readonly number[];
  /** Rows of the output. */
  readonly rows: number;
  private readonly indexOf: Map<number, number[]> | undefined;

  /** Without `wanted` every position has a row; with it the positions listed, text after text, in the order given. */
  constructor(batch: Batch, wanted: OutputRows) {
    if (wanted === undefined) {
      this.dims = [batch.B, batch.T];
      this.rows = batch.B * batch.T;
      return;
    }
    const indexOf = new Map<number, number[]>();
    let rows = 0;
    wanted.forEach((positions, b) => {
      for (const t of positions) {
        const place = b * batch.T + t;
        const list = indexOf.get(place);
        if (list) list.push(rows++);
        else indexOf.set(place, [rows++]);
      }
    });
    this.dims = [rows];
    this.rows = rows;
    this.indexOf = indexOf;
  }

  /**
   * Calls `visit` for each computed row of a pack that has an output.
   * @param visit gets the row in the plan's `x` and the row of the output
   */
  forEach(pack: Pack, visit: (row: number, outputRow: number) => void): void {
    const queries = pack.picks?.length ?? pack.places.length;
    for (let row = 0; row < queries; row++) {
      const packRow = pack.picks ? pack.picks[row]! : row;
      if (pack.unattended[packRow]) continue;
      const place = pack.places[packRow]!;
      if (this.indexOf === undefined) visit(row, place);
      else for (const outputRow of this.indexOf.get(place) ?? []) visit(row, outputRow);
    }
  }
}
