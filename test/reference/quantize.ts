// Rows → 8 bits with a zero point, in the float32 steps that assembly/quantize.ts rounds in: the kernels must give just these numbers.

export interface QuantizedRow {
  /** 0 … 255. */
  q: Uint8Array;
  /** NaN when the row holds NaN or an infinity; then q and zero say nothing. */
  scale: number;
  /** 0 … 255: the q of 0. */
  zero: number;
}

const { fround } = Math;
/** The scale below which a row counts as 0: the least normal float. */
const LEAST_SCALE = 2 ** -126;

/** To the nearest whole number, ties to the even one. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export function quantizeRow(x: Float32Array): QuantizedRow {
  const q = new Uint8Array(x.length);
  if (!x.every(Number.isFinite)) return { q, scale: Number.NaN, zero: 0 };
  const low = Math.min(0, ...chunkwise(Math.min, x));
  const high = Math.max(0, ...chunkwise(Math.max, x));
  const scale = fround(fround(high / 255) - fround(low / 255));
  if (scale < LEAST_SCALE) return { q, scale: 0, zero: 0 };
  const inverse = fround(1 / scale);
  const zero = roundHalfEven(fround(Math.abs(low) * inverse));
  for (let k = 0; k < x.length; k++) {
    q[k] = Math.min(Math.max(roundHalfEven(fround(x[k]! * inverse) + zero), 0), 255);
  }
  return { q, scale, zero };
}

/** The least or greatest of each 1024 values: all at once would be too many arguments. */
function chunkwise(of: (...values: number[]) => number, x: Float32Array): number[] {
  return Array.from({ length: Math.ceil(x.length / 1024) }, (_, i) => of(...x.subarray(i * 1024, (i + 1) * 1024)));
}
