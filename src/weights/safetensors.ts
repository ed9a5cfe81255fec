// safetensors: 8 bytes header length, a JSON header of name → {dtype, shape, data_offsets}, then the data without holes.
// https://huggingface.co/docs/safetensors — checked as strictly as the Rust library does, before any tensor is read.
import { RobertalbertError, show } from "../errors.ts";
import type { ReadableFile } from "../hub/files.ts";
import { DTYPE_BYTES, type TensorEntry } from "./entry.ts";

/** 50,000 tensors. The Rust library allows 100 MB, which as parsed JSON may take gigabytes. */
const MOST_HEADER_BYTES = 1 << 22;

export interface SafetensorsHeader {
  entries: TensorEntry[];
  /** The header's `__metadata__`: texts by name. */
  metadata: Readonly<Record<string, unknown>>;
}

/**
 * Reads and checks the header.
 * @param where the file, for messages
 * @param advice how to come by a whole one
 * @throws FILE_INVALID
 */
export async function readSafetensorsHeader(
  file: ReadableFile,
  where: string,
  advice = "download or save it again",
): Promise<SafetensorsHeader> {
  const invalid = (message: string) =>
    new RobertalbertError("FILE_INVALID", `${where} is no whole safetensors file: ${message}; ${advice}`);
  if (file.sizeBytes < 8) throw invalid(`it has ${file.sizeBytes} bytes, a header needs at least 8`);
  const head = await file.read(0, 8);
  const headerBytes = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  if (headerBytes > BigInt(Math.min(MOST_HEADER_BYTES, file.sizeBytes - 8))) {
    throw invalid(
      `its header claims ${headerBytes} bytes, the file has ${file.sizeBytes - 8} behind the length (at most ${MOST_HEADER_BYTES} are allowed)`,
    );
  }
  const dataStart = 8 + Number(headerBytes);
  const dataBytes = file.sizeBytes - dataStart;
  const header = parseHeader(await file.read(8, Number(headerBytes)), invalid);

  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const {
      dtype,
      shape,
      data_offsets: offsets,
    } = (value ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    const width = typeof dtype === "string" && Object.hasOwn(DTYPE_BYTES, dtype) ? DTYPE_BYTES[dtype] : undefined;
    if (width === undefined)
      throw invalid(
        `tensor ${show(name)} has dtype ${show(dtype)}, expected one of ${Object.keys(DTYPE_BYTES).join(", ")}`,
      );
    if (!isSizes(shape)) throw invalid(`tensor ${show(name)} has shape ${show(shape)}, expected whole numbers`);
    if (!isSizes(offsets) || offsets.length !== 2)
      throw invalid(`tensor ${show(name)} has data_offsets ${show(offsets)}, expected [begin, end]`);
    const [begin, end] = offsets as [number, number];
    const expected = shape.reduce((a, b) => a * b, width);
    if (end > dataBytes)
      throw invalid(
        `tensor ${show(name)} ends at byte ${end} of ${dataBytes} bytes of data: the file was cut short or its header lies`,
      );
    if (end - begin !== expected)
      throw invalid(
        `tensor ${show(name)} has ${end - begin} bytes, its shape [${shape}] of ${dtype} needs ${expected}`,
      );
    entries.push({ name, dtype: dtype as string, shape, file, offsetBytes: dataStart + begin, lengthBytes: expected });
  }

  let at = dataStart;
  for (const entry of [...entries].sort((a, b) => a.offsetBytes - b.offsetBytes || a.lengthBytes - b.lengthBytes)) {
    if (entry.offsetBytes !== at)
      throw invalid(
        `tensor ${show(entry.name)} starts at byte ${entry.offsetBytes}, expected ${at}: tensors overlap or leave a hole`,
      );
    at += entry.lengthBytes;
  }
  if (at !== file.sizeBytes) throw invalid(`its tensors end at byte ${at}, the file at ${file.sizeBytes}`);
  const { __metadata__: metadata } = header;
  return { entries, metadata: typeof metadata === "object" && metadata !== null ? { ...metadata } : {} };
}

function parseHeader(bytes: Uint8Array, invalid: (message: string) => RobertalbertError): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(`its header is no JSON (${(cause as Error).message})`);
  }
  if (typeof header === "object" && header !== null && !Array.isArray(header)) return header as Record<string, unknown>;
  throw invalid("its header is no JSON object");
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 32 && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
