// NumPy's slice notation on Tensors, as the golden cases write it: "hidden_states[:,0,:2,:16]", "[:,masks,:64]".
import type { Tensor } from "../../src/tensor.ts";

/** Splits "name[a,b]" into the name and its slices; none where it has no brackets. */
export function parseSlices(text: string): { name: string; slices: string[] } {
  const [, name, inner] = /^([^[]+)(?:\[(.*)\])?$/.exec(text)!;
  return { name: name!, slices: inner === undefined ? [] : inner.split(",") };
}

/**
 * The flat indices that the slices pick of an array of these dims, row-major.
 * @param lists what words among the slices stand for, for example { masks: [3, 7] }
 */
export function slicedIndices(
  dims: readonly number[],
  slices: readonly string[],
  lists: Record<string, readonly number[]> = {},
): number[] {
  return dims.reduce<number[]>(
    (picked, size, axis) => {
      const along = alongAxis(slices[axis] ?? ":", size, lists);
      return picked.flatMap((index) => along.map((i) => index * size + i));
    },
    [0],
  );
}

function alongAxis(slice: string, size: number, lists: Record<string, readonly number[]>): readonly number[] {
  if (slice in lists) return lists[slice]!;
  const all = Array.from({ length: size }, (_, i) => i);
  if (/^-?\d+$/.test(slice)) return [all.at(Number(slice))!];
  const [, start, end] = /^(-?\d*):(-?\d*)$/.exec(slice)!;
  return all.slice(start ? Number(start) : 0, end ? Number(end) : size);
}

/** The values at these indices. */
export function pick(tensor: Tensor, indices: readonly number[]): Float32Array {
  return Float32Array.from(indices, (i) => Number(tensor.data[i]));
}
