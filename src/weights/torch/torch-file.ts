// torch.save files → the tensors of their state dict, by place. Two containers for the same pickle:
//   zip (since PyTorch 1.6)   NAME/data.pkl, and per storage NAME/data/KEY
//   before                    pickles of a magic number, the protocol, the machine, the state dict, the storage keys in order;
//                             then per key an int64 count and the values
import { RobertalbertError, show } from "../../errors.ts";
import type { ReadableFile } from "../../hub/files.ts";
import { DTYPE_BYTES, type TensorEntry } from "../entry.ts";
import { PickleCutShort, type PickleHost, runPickle } from "./pickle.ts";
import { isKind, stateDictHost, type TorchTensor } from "./rebuild.ts";
import { readStoredZip, type StoredEntry } from "./stored-zip.ts";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** The state dict without its values: some 100 bytes a tensor. */
const MOST_PICKLE_BYTES = 1 << 24;
const FIRST_WINDOW_BYTES = 1 << 16;

/**
 * Reads everything but the values.
 * @param where the file, for messages
 * @throws FILE_INVALID, FILE_UNSUPPORTED when its pickle wants more than a state dict needs
 */
export async function readTorchFile(file: ReadableFile, where: string): Promise<TensorEntry[]> {
  const invalid = (message: string) =>
    new RobertalbertError(
      "FILE_INVALID",
      `${where} is no whole torch.save file: ${message}; download or save it again`,
    );
  const refused = (message: string) =>
    new RobertalbertError(
      "FILE_UNSUPPORTED",
      `${where} is refused: ${message}; only a state dict of tensors is read, nothing in the file is executed: save it with torch.save(model.state_dict(), …) or as safetensors`,
    );
  const host = stateDictHost({ invalid, refused });
  const head = await file.read(0, Math.min(4, file.sizeBytes));
  const isZip = head.join() === "80,75,3,4";
  if (!isZip && head[0] !== 0x80) throw invalid(`it begins with ${show(new TextDecoder().decode(head))}`);
  const { value, storages } = isZip ? await readZip(file, host) : await readLegacy(file, host);
  return entriesOf(file, value, storages, host);
}

interface Contents {
  /** The pickled object. */
  value: unknown;
  /** Where each storage lies, by key. */
  storages: ReadonlyMap<string, StoredEntry>;
}

async function readZip(file: ReadableFile, host: PickleHost): Promise<Contents> {
  const entries = await readStoredZip(file, host);
  const pickles = [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickles.length !== 1) throw host.invalid(`its zip has ${pickles.length} entries NAME/data.pkl, expected one`);
  const folder = pickles[0]!.slice(0, -"data.pkl".length);
  if (entries.has(`${folder}constants.pkl`)) throw host.refused("a TorchScript archive");
  const order = entries.get(`${folder}byteorder`);
  if (order) {
    const bytes = await file.read(order.offsetBytes, Math.min(order.lengthBytes, 16));
    if (new TextDecoder().decode(bytes) !== "little") throw host.refused("values that are not little-endian");
  }
  const { offsetBytes, lengthBytes } = entries.get(pickles[0]!)!;
  if (lengthBytes > MOST_PICKLE_BYTES) throw host.refused(`a pickle of ${lengthBytes} bytes`);
  const { value } = runWhole(await file.read(offsetBytes, lengthBytes), host);
  const storages = new Map<string, StoredEntry>();
  const data = `${folder}data/`;
  for (const [name, entry] of entries) if (name.startsWith(data)) storages.set(name.slice(data.length), entry);
  return { value, storages };
}

async function readLegacy(file: ReadableFile, host: PickleHost): Promise<Contents> {
  const { values, end } = await readPickles(file, 5, host);
  const [magic, protocol, machine, value, keys] = values;
  if (magic !== MAGIC || protocol !== PROTOCOL) throw host.invalid("it does not begin as one");
  if (!(machine instanceof Map) || machine.get("little_endian") !== true)
    throw host.refused("values that are not little-endian");
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string"))
    throw host.invalid("its list of storages is none");

  const dtypes = new Map<string, string>();
  for (const tensor of tensorsOf(value, host).values()) dtypes.set(tensor.storage.key, tensor.storage.dtype);
  const storages = new Map<string, StoredEntry>();
  let at = end;
  for (const key of keys) {
    const dtype = dtypes.get(key);
    if (dtype === undefined) throw host.refused(`storage ${show(key)}, which no tensor uses`);
    if (storages.has(key)) throw host.invalid(`it lists storage ${show(key)} twice`);
    if (at + 8 > file.sizeBytes) throw host.invalid(`it ends before storage ${show(key)}`);
    const head = await file.read(at, 8);
    const count = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
    const lengthBytes = Number(count) * DTYPE_BYTES[dtype]!;
    at += 8;
    if (!(lengthBytes <= file.sizeBytes - at))
      throw host.invalid(
        `storage ${show(key)} claims ${count} values of ${dtype}, ${file.sizeBytes - at} bytes follow`,
      );
    storages.set(key, { offsetBytes: at, lengthBytes });
    at += lengthBytes;
  }
  if (at !== file.sizeBytes) throw host.invalid(`its storages end at byte ${at}, the file at ${file.sizeBytes}`);
  return { value, storages };
}

/** The first `count` pickles of a file, which does not say how long they are: read in growing windows. */
async function readPickles(
  file: ReadableFile,
  count: number,
  host: PickleHost,
): Promise<{ values: unknown[]; end: number }> {
  const limit = Math.min(file.sizeBytes, MOST_PICKLE_BYTES);
  for (let window = FIRST_WINDOW_BYTES; ; window *= 4) {
    const bytes = await file.read(0, Math.min(window, limit));
    try {
      const values: unknown[] = [];
      let end = 0;
      for (let i = 0; i < count; i++) {
        const run = runPickle(bytes, end, host);
        values.push(run.value);
        end = run.end;
        if (i === 0 && run.value !== MAGIC) throw host.invalid("it does not begin as one");
      }
      return { values, end };
    } catch (error) {
      if (!(error instanceof PickleCutShort)) throw error;
      if (window >= limit) throw host.invalid("its pickle ends before STOP");
    }
  }
}

function runWhole(bytes: Uint8Array, host: PickleHost): { value: unknown } {
  try {
    return runPickle(bytes, 0, host);
  } catch (error) {
    if (error instanceof PickleCutShort) throw host.invalid("its pickle ends before STOP");
    throw error;
  }
}

/** The tensors of a state dict by name. Other values in it (a version, a step count) are no weights. */
function tensorsOf(value: unknown, host: PickleHost): Map<string, TorchTensor> {
  if (!(value instanceof Map)) throw host.refused(`it holds ${show(value)}, expected a dict`);
  const tensors = new Map<string, TorchTensor>();
  for (const [name, item] of value) {
    if (typeof name === "string" && isKind<TorchTensor>(item, "tensor")) tensors.set(name, item);
  }
  if (tensors.size > 0) return tensors;
  const names = [...value.keys()].slice(0, 5).map(show).join(", ");
  throw host.refused(`a dict without tensors (it has ${names || "nothing"})`);
}

function entriesOf(
  file: ReadableFile,
  value: unknown,
  storages: ReadonlyMap<string, StoredEntry>,
  host: PickleHost,
): TensorEntry[] {
  return [...tensorsOf(value, host)].map(([name, { storage, offset, shape, strides }]) => {
    const width = DTYPE_BYTES[storage.dtype]!;
    const place = storages.get(storage.key);
    if (place === undefined) throw host.invalid(`storage ${show(storage.key)} of tensor ${show(name)} is not in it`);
    if (place.lengthBytes !== storage.length * width)
      throw host.invalid(
        `storage ${show(storage.key)} of tensor ${show(name)} has ${place.lengthBytes} bytes, ${storage.length} values of ${storage.dtype} need ${storage.length * width}`,
      );
    return {
      name,
      dtype: storage.dtype,
      shape,
      ...(!isRowMajor(shape, strides) && { strides }),
      file,
      offsetBytes: place.offsetBytes + offset * width,
      lengthBytes: shape.reduce((a, b) => a * b, width),
    };
  });
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== step) return false;
    step *= shape[i]!;
  }
  return true;
}
