// model.q8.safetensors, which `robertalbert quantize` writes: matrices as the int8 kernels read them, so that loading is one copy.
//
// A safetensors file whose metadata has `format` and `layout` as below, and `shapes`, JSON of matrix name → [N, K]. A matrix is I8
// [ceil(N/8), ceil(K/4), 8, 4] (assembly/pack-i8.ts) with F32 [N] of the same name and ".scales" behind; all else is F32 as it was.
// Names have no "albert." in front. Any change of the panels must raise LAYOUT.
import { RobertalbertError, show } from "../errors.ts";
import type { ReadableFile } from "../hub/files.ts";
import type { TensorEntry } from "./entry.ts";
import { panelShape } from "./panels.ts";
import { readSafetensorsHeader } from "./safetensors.ts";

export const QUANTIZED_FILE = "model.q8.safetensors";
const FORMAT = "robertalbert-q8";
const LAYOUT = "1";
const SCALES = ".scales";

const MAKE = "make it anew from the original folder with `robertalbert quantize IN OUT`";

/** The metadata of such a file with these matrices. */
export function quantizedMetadata(shapes: ReadonlyMap<string, readonly number[]>): Record<string, string> {
  return { format: FORMAT, layout: LAYOUT, shapes: JSON.stringify(Object.fromEntries(shapes)) };
}

/** The name of a matrix's scales. */
export function scalesName(name: string): string {
  return name + SCALES;
}

/**
 * For what should hold plain tensors.
 * @throws FILE_UNSUPPORTED for a q8 file under another name
 */
export function refuseQuantized(metadata: Readonly<Record<string, unknown>>, where: string): void {
  if (metadata.format !== FORMAT) return;
  const message = `${where} holds this package's q8 weights: rename it to ${QUANTIZED_FILE}`;
  throw new RobertalbertError("FILE_UNSUPPORTED", message);
}

/** @throws FILE_INVALID for a damaged file, FILE_UNSUPPORTED for another layout or one that this package did not write */
export async function readQuantizedHeader(file: ReadableFile, where: string): Promise<TensorEntry[]> {
  const { entries, metadata } = await readSafetensorsHeader(file, where, MAKE);
  if (metadata.format !== FORMAT) {
    throw new RobertalbertError(
      "FILE_UNSUPPORTED",
      `${where} says format ${show(metadata.format)}, expected ${show(FORMAT)}: it was not written by this package; ${MAKE}`,
    );
  }
  if (metadata.layout !== LAYOUT) {
    throw new RobertalbertError(
      "FILE_UNSUPPORTED",
      `${where} has layout ${show(metadata.layout)}, this version reads ${show(LAYOUT)}: ${MAKE}`,
    );
  }
  const shapes = parseShapes(metadata.shapes, where);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const tensors: TensorEntry[] = [];
  for (const entry of entries) {
    if (entry.dtype !== "I8") {
      if (!entry.name.endsWith(SCALES)) tensors.push(entry);
      continue;
    }
    const shape = shapes.get(entry.name);
    const scales = byName.get(scalesName(entry.name));
    if (shape === undefined || panelShape(...shape).join() !== entry.shape.join())
      throw damaged(where, `${show(entry.name)} has shape [${entry.shape}], metadata makes it [${shape ?? "none"}]`);
    if (scales?.dtype !== "F32" || scales.shape.join() !== `${shape[0]}`)
      throw damaged(where, `${show(entry.name)} has no scales F32 [${shape[0]}]`);
    tensors.push({ ...entry, dtype: "Q8", shape, scales });
  }
  return tensors;
}

function parseShapes(text: unknown, where: string): Map<string, readonly [number, number]> {
  const isSize = (n: unknown) => Number.isSafeInteger(n) && (n as number) > 0;
  try {
    const shapes = Object.entries(JSON.parse(String(text)) as Record<string, [number, number]>);
    if (shapes.every(([, shape]) => Array.isArray(shape) && shape.length === 2 && shape.every(isSize)))
      return new Map(shapes);
  } catch {
    // said below
  }
  throw damaged(where, `metadata "shapes" is ${show(text)}, expected JSON of names and [N, K]`);
}

function damaged(where: string, message: string): RobertalbertError {
  return new RobertalbertError("FILE_INVALID", `${where}: ${message}; ${MAKE}`);
}
