// Weights of a checkpoint → wasm memory in the form that the kernels read, block of rows by block of rows: never a second full copy.
import type { KernelInstance } from "../runtime/kernel-instance.ts";
import type { ModelWeights } from "../weights/model-weights.ts";
import { markBytes, panelBytes, roundUp8 } from "../weights/panels.ts";

/** How matrices are held and multiplied: in 32-bit floats, or in bytes with 8-bit activations. */
export type ComputeDtype = "fp32" | "q8";

/** y = x·Wᵀ + b, a matrix in wasm memory. */
export interface Linear {
  /** Outputs. */
  N: number;
  /** Inputs. */
  K: number;
  /** Address of a Matrix (assembly/linear.ts). */
  matrix: number;
}

/** Floats of weight that are read at a time; 1 MB. */
export const BLOCK_FLOATS = 1 << 18;
const MATRIX_WORDS = 5;

/** Rows of a matrix of K columns that are read and packed at a time: whole panels of them. */
export function blockRowsOf(K: number): number {
  return Math.max(8, Math.floor(BLOCK_FLOATS / K) & ~7);
}

/** Bytes that a `linear` will take, for one growth of memory before all weights. */
export function linearBytes(N: number, K: number, dtype: ComputeDtype): number {
  return tableBytes(N, K, dtype) + markBytes(N, K, dtype) + roundUp8(N) * 4 + 64 * 2;
}

/** Bytes that a `table` will take. */
export function tableBytes(N: number, K: number, dtype: ComputeDtype): number {
  const vectors = dtype === "q8" ? 2 : 0;
  return panelBytes(N, K, dtype) + roundUp8(N) * 4 * vectors + 64 * 4;
}

/** Bytes that weights may take on their way: two blocks of floats, none where they are packed already. */
export function scratchBytes(weights: ModelWeights, dtype: ComputeDtype): number {
  return weights.dtype === "q8" && dtype === "q8" ? 0 : 2 * (BLOCK_FLOATS * 4 + 64);
}

/** Rows of a weight in wasm memory. */
interface Block {
  address: number;
  rows: number;
}

/** Where the parts of a matrix go; marks 0: none. */
interface MatrixParts {
  panels: number;
  scales: number;
  marks: number;
}

export class WeightLoader {
  readonly kernels: KernelInstance;
  readonly dtype: ComputeDtype;
  private readonly weights: ModelWeights;

  constructor(kernels: KernelInstance, weights: ModelWeights, dtype: ComputeDtype) {
    this.kernels = kernels;
    this.weights = weights;
    this.dtype = dtype;
  }

  has(name: string): boolean {
    return this.weights.has(name);
  }

  /** A PyTorch Linear `name`: weight [N][K] and bias [N]. */
  async linear(name: string): Promise<Linear> {
    return { ...(await this.stack([name])), N: this.weights.shape(`${name}.weight`)[0]! };
  }

  /** A weight [N][K] without bias, of which mostly single rows are read: not prefetched, which would take more memory. */
  async table(name: string): Promise<Linear> {
    return { ...(await this.matrix([name], true)), N: this.weights.shape(`${name}.weight`)[0]! };
  }

  /** Several of the same inputs as one matrix: their outputs one after another, each padded with 0 to whole panels of 8. */
  stack(names: readonly string[]): Promise<Linear> {
    return this.matrix(names, false);
  }

  private async matrix(names: readonly string[], isTable: boolean): Promise<Linear> {
    const { kernels, weights, dtype } = this;
    const K = weights.shape(`${names[0]}.weight`)[1]!;
    const N = names.reduce((sum, name) => sum + roundUp8(weights.shape(`${name}.weight`)[0]!), 0);
    const panels = kernels.allocate(panelBytes(N, K, dtype));
    const bias = isTable ? 0 : this.zeros(N);
    const scales = dtype === "q8" ? this.zeros(N) : 0;
    const sums = dtype === "q8" ? this.zeros(N) : 0;
    const marks = isTable ? 0 : kernels.allocate(markBytes(N, K, dtype));
    let column = 0;
    for (const name of names) {
      const at = {
        panels: panels + panelBytes(column, K, dtype),
        scales: scales + column * 4,
        marks: isTable ? 0 : marks + markBytes(column, K, dtype),
      };
      await this.fillPanels(`${name}.weight`, at);
      if (!isTable) await this.fillVector(`${name}.bias`, bias + column * 4);
      column += roundUp8(weights.shape(`${name}.weight`)[0]!);
    }
    // Pairs of 16 bits have their zero points taken off: sums, which these are multiplied with, stay 0.
    if (dtype === "q8" && kernels.dot !== "i16") kernels.exports.sumColumnsI8(sums, panels, N, K);
    return { N, K, matrix: this.words([panels, bias, scales, sums, marks]) };
  }

  /** The same matrix with another bias: of a decoder that is tied to the word table. @param bias an address, 0 for none */
  withBias(linear: Linear, bias: number): Linear {
    const words = [...this.kernels.ints(linear.matrix, MATRIX_WORDS)];
    words[1] = bias;
    return { ...linear, matrix: this.words(words) };
  }

  /** A tensor of any shape as it is, padded with 0 to a multiple of 8 floats: its address. */
  async vector(name: string): Promise<number> {
    const address = this.zeros(roundUp8(this.weights.shape(name).reduce((a, b) => a * b, 1)));
    await this.fillVector(name, address);
    return address;
  }

  /** Words for the kernels, such as addresses: where they lie. */
  words(values: readonly number[]): number {
    const address = this.kernels.allocate(values.length * 4);
    this.kernels.ints(address, values.length).set(values);
    return address;
  }

  private zeros(floats: number): number {
    const address = this.kernels.allocate(floats * 4);
    this.kernels.floats(address, floats).fill(0);
    return address;
  }

  private fillVector(name: string, address: number): Promise<void> {
    const length = this.weights.shape(name).reduce((a, b) => a * b, 1);
    return this.readInto(name, 0, address, length);
  }

  /** Floats of a tensor from row `first` on, checked in wasm: a loop in JavaScript would first have to be optimised. */
  private readInto(name: string, first: number, address: number, floats: number): Promise<void> {
    const { kernels } = this;
    const areFinite = () => kernels.exports.areFinite(address, floats) === 1;
    return this.weights.readRowsInto(name, first, kernels.floats(address, floats), areFinite);
  }

  private async fillPanels(name: string, at: MatrixParts): Promise<void> {
    const { kernels, weights, dtype } = this;
    const [N, K] = weights.shape(name) as [number, number];
    const mark = (row: number, rows: number, panels: number) => {
      if (!at.marks) return;
      const marks = at.marks + markBytes(row, K, dtype);
      kernels.exports.markPanels(marks, panels, Math.ceil(rows / 8), panelBytes(8, K, dtype));
    };
    if (dtype === "q8" && weights.isQuantized(name)) {
      const panels = kernels.bytes(at.panels, panelBytes(N, K, dtype));
      const arePositive = () => kernels.exports.arePositive(at.scales, N) === 1;
      await weights.readPanelsInto(name, panels, kernels.floats(at.scales, N), arePositive);
      return mark(0, N, at.panels);
    }
    const blockRows = blockRowsOf(K);
    const before = kernels.mark;
    // Two blocks: one is packed while the next is read.
    const blocks = [0, 1].map(() => kernels.allocate(Math.min(blockRows, N) * K * 4));
    const read = async (row: number): Promise<Block> => {
      const address = blocks[(row / blockRows) % 2]!;
      const rows = Math.min(blockRows, N - row);
      await this.readInto(name, row, address, rows * K);
      return { address, rows };
    };
    let reading = read(0);
    for (let row = 0; row < N; row += blockRows) {
      const { address, rows } = await reading;
      if (row + blockRows < N) reading = read(row + blockRows);
      const panels = at.panels + panelBytes(row, K, dtype);
      if (dtype === "q8") kernels.exports.packRowsI8(panels, at.scales + row * 4, address, rows, K);
      else kernels.exports.packRows(panels, address, K * 4, rows, K);
      mark(row, rows, panels);
    }
    kernels.release(before);
  }
}
