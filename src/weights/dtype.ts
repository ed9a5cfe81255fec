// Little-endian bytes of F32, F16, BF16 or F64 → Float32Array, and floats → F16.

/** Bytes per value of the dtypes that weights may have. */
export const BYTES_OF_DTYPE: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8 };

/** All 65,536 halves as floats: one look-up a value (made at first use, 256 KB). */
let floatOfHalf: Float32Array | undefined;

function halfTable(): Float32Array {
  if (floatOfHalf) return floatOfHalf;
  floatOfHalf = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    let value: number;
    if (exponent === 0) value = fraction * 2 ** -24;
    else if (exponent === 31) value = fraction ? Number.NaN : Number.POSITIVE_INFINITY;
    else value = (1024 + fraction) * 2 ** (exponent - 25);
    floatOfHalf[bits] = bits & 0x8000 ? -value : value;
  }
  return floatOfHalf;
}

/**
 * Widens (F64: rounds) to float32. For aligned F32 the result may be a view of `bytes`: do not write into it.
 * @param dtype a key of BYTES_OF_DTYPE
 */
export function toFloat32(bytes: Uint8Array, dtype: string): Float32Array {
  const width = BYTES_OF_DTYPE[dtype]!;
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  const length = bytes.length / width;
  if (dtype === "F32") return new Float32Array(aligned.buffer, aligned.byteOffset, length);
  if (dtype === "F64") return Float32Array.from(new Float64Array(aligned.buffer, aligned.byteOffset, length));
  const floats = new Float32Array(length);
  widen(new Uint16Array(aligned.buffer, aligned.byteOffset, length), dtype, floats);
  return floats;
}

/**
 * F16 or BF16 → float32.
 * @param floats as long as `halves`, which may lie in its second half: each is read before its place is written
 */
export function widen(halves: Uint16Array, dtype: string, floats: Float32Array): void {
  if (dtype === "F16") {
    const table = halfTable();
    for (let i = 0; i < halves.length; i++) floats[i] = table[halves[i]!]!;
  } else {
    const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  }
}

/** Rounds to halves, ties to even, as IEEE 754 and PyTorch's `.half()` do; beyond 65,504 lies infinity. */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  const scratch = new Float32Array(1);
  const scratchBits = new Uint32Array(scratch.buffer);
  for (let i = 0; i < halves.length; i++) {
    const sign = (bits[i]! >>> 16) & 0x8000;
    const size = bits[i]! & 0x7fffffff;
    if (size >= 0x7f800000) halves[i] = sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
    else if (size < 0x38800000) {
      // Below 2⁻¹⁴ halves are multiples of 2⁻²⁴: adding 2⁻¹ rounds to them (ulp of [2⁻¹, 1) in float32), and its low bits are the result.
      scratchBits[0] = size;
      scratch[0] = scratch[0]! + 0.5;
      halves[i] = sign | (scratchBits[0]! - 0x3f000000);
    } else {
      // Exponent re-biased by 127 - 15; 0xfff plus the lowest bit kept rounds half to even, a carry moves into the exponent.
      const rounded = (size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13;
      halves[i] = sign | Math.min(rounded, 0x7c00);
    }
  }
  return halves;
}

/** Rounds each value to the nearest half, in place. */
export function roundToHalves(values: Float32Array): void {
  widen(toFloat16(values), "F16", values);
}
