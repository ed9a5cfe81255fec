// A matrix in wasm memory in the form that matmul reads, loaded row block by row block: never a second full copy.
import type { KernelInstance } from "../runtime/kernel-instance.ts";
import type { ModelWeights } from "../weights/model-weights.ts";

/** y = x·Wᵀ + b. Packed [ceil(N/8)][K][8]; the bias is padded with 0 to whole panels, 0 when there is none. */
export interface Linear {
  /** Outputs. */
  N: number;
  /** Inputs. */
  K: number;
  packed: number;
  bias: number;
}

/** Floats of weight that are read at a time; 1 MB. */
const BLOCK_FLOATS = 1 << 18;

const roundUp8 = (n: number): number => (n + 7) & ~7;

/** Bytes that `loadLinear` will take, for one growth of memory before all weights. */
export function linearBytes(N: number, K: number): number {
  return (roundUp8(N) * K + roundUp8(N)) * 4 + 128;
}

/** Loads a PyTorch Linear: weight [N][K] and, if named, bias [N]. */
export async function loadLinear(
  kernels: KernelInstance,
  weights: ModelWeights,
  weightName: string,
  biasName?: string,
): Promise<Linear> {
  const [N, K] = weights.shape(weightName) as [number, number];
  const packed = kernels.allocate(roundUp8(N) * K * 4);
  const bias = biasName === undefined ? 0 : await loadVector(kernels, weights, biasName);

  const blockRows = Math.max(8, Math.floor(BLOCK_FLOATS / K) & ~7);
  const mark = kernels.mark;
  const scratch = kernels.allocate(Math.min(blockRows, N) * K * 4);
  for (let row = 0; row < N; row += blockRows) {
    const rows = Math.min(blockRows, N - row);
    const areFinite = () => kernels.exports.areFinite(scratch, rows * K) === 1;
    await weights.readRowsInto(weightName, row, kernels.floats(scratch, rows * K), areFinite);
    kernels.exports.packRows(packed + row * K * 4, scratch, K * 4, rows, K);
  }
  kernels.release(mark);
  return { N, K, packed, bias };
}

/** Loads a tensor of any shape as it is, padded with 0 to a multiple of 8 floats. */
export async function loadVector(kernels: KernelInstance, weights: ModelWeights, name: string): Promise<number> {
  const values = await weights.read(name);
  const address = kernels.allocate(roundUp8(values.length) * 4);
  const view = kernels.floats(address, roundUp8(values.length));
  view.fill(0);
  view.set(values);
  return address;
}
