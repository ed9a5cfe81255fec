// Full-size weights from a formula (../shared/oracle/hash_weights.mjs), as the bytes of a safetensors file.

/** A tensor of a case.json: its values are base + scale · u, u in [-1, 1) from a hash of name and index. */
export interface HashTensor {
  name: string;
  shape: number[];
  base: number;
  scale: number;
  first: number[];
  xor_of_bits: number;
  sum_of_bits: number;
}

/** The file of all tensors. @throws when a tensor is not what the case says: then the formula is wrong, not the model */
export function hashCheckpoint(seedText: string, tensors: readonly HashTensor[]): Uint8Array<ArrayBuffer> {
  const header: Record<string, { dtype: "F32"; shape: number[]; data_offsets: [number, number] }> = {};
  let bytes = 0;
  for (const { name, shape } of tensors) {
    const end = bytes + 4 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [bytes, end] };
    bytes = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const dataStart = Math.ceil((8 + text.length) / 8) * 8;
  const file = new Uint8Array(dataStart + bytes).fill(32, 8, dataStart);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  file.set(text, 8);
  for (const tensor of tensors) {
    const [begin, end] = header[tensor.name]!.data_offsets;
    fill(new Float32Array(file.buffer, dataStart + begin, (end - begin) / 4), seedText, tensor);
  }
  return file;
}

function fill(values: Float32Array, seedText: string, tensor: HashTensor): void {
  const seed = fnv1a32(`${seedText}:${tensor.name}`);
  const [base, scale] = [Math.fround(tensor.base), Math.fround(tensor.scale)];
  for (let i = 0; i < values.length; i++) {
    const u = ((fmix32(fmix32(i + 1) ^ seed) >>> 8) - 2 ** 23) / 2 ** 23;
    values[i] = base + Math.fround(u * scale);
  }
  let [xor, sum] = [0, 0];
  for (const bits of new Uint32Array(values.buffer, values.byteOffset, values.length)) {
    xor = (xor ^ bits) >>> 0;
    sum = (sum + bits) >>> 0;
  }
  if (xor !== tensor.xor_of_bits || sum !== tensor.sum_of_bits)
    throw new Error(`${tensor.name}: the weights made here are not those that the golden values belong to`);
}

function fmix32(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function fnv1a32(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}
