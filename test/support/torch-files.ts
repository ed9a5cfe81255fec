// Makes torch.save files byte by byte, right ones and lying ones: an assembler for pickles and a writer of stored zips.
import { crc32 } from "node:zlib";
import { concat } from "./bytes.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

export function little(value: number | bigint, width: number): Uint8Array {
  const out = new Uint8Array(width);
  let rest = BigInt.asUintN(8 * width, BigInt(value));
  for (let i = 0; i < width; i++, rest >>= 8n) out[i] = Number(rest & 255n);
  return out;
}

/** Opcodes of protocol 2, each as its bytes. */
export const op = {
  proto: [0x80, 2],
  mark: [0x28],
  stop: [0x2e],
  none: [0x4e],
  false: [0x89],
  emptyTuple: [0x29],
  tuple: [0x74],
  emptyList: [0x5d],
  appends: [0x65],
  emptyDict: [0x7d],
  setItems: [0x75],
  reduce: [0x52],
  build: [0x62],
  persistent: [0x51],
  put: (index: number) => [0x71, index],
  get: (index: number) => [0x68, index],
  int: (value: number) => concat([0x4a], little(value, 4)),
  /** LONG1 of 8 bytes. */
  long: (value: bigint) => concat([0x8a, 8], little(value, 8)),
  text: (value: string) => concat([0x58], little(bytesOf(value).length, 4), bytesOf(value)),
  global: (module: string, name: string) => bytesOf(`c${module}\n${name}\n`),
};

export interface TorchTensorSpec {
  name: string;
  /** torch.FloatStorage and so on. */
  type?: string;
  key?: string;
  /** Values of the storage. */
  length?: number;
  offset?: number;
  shape?: number[];
  strides?: number[];
}

const tupleOf = (items: Uint8Array[]) => concat(op.mark, ...items, op.tuple);
const number = (value: number) => (Math.abs(value) < 2 ** 31 ? op.int(value) : op.long(BigInt(value)));

/** ("storage", type, key, "cpu", length) and BINPERSID. */
export function storageId(type: string, key: string, length: number): Uint8Array {
  return concat(
    tupleOf([op.text("storage"), op.global("torch", type), op.text(key), op.text("cpu"), number(length)]),
    op.persistent,
  );
}

/** REDUCE of _rebuild_tensor_v2. */
export function tensorPickle(spec: Omit<TorchTensorSpec, "name">): Uint8Array {
  const { type = "FloatStorage", key = "0", length = 4, offset = 0, shape = [4], strides = [1] } = spec;
  const args = [
    storageId(type, key, length),
    number(offset),
    tupleOf(shape.map(number)),
    tupleOf(strides.map(number)),
    Uint8Array.from(op.false),
    concat(op.global("collections", "OrderedDict"), op.emptyTuple, op.reduce),
  ];
  return concat(op.global("torch._utils", "_rebuild_tensor_v2"), tupleOf(args), op.reduce);
}

/** Everything between PROTO and STOP. */
export const pickle = (...body: (Uint8Array | readonly number[])[]) => concat(op.proto, ...body, op.stop);

export function stateDictPickle(tensors: readonly TorchTensorSpec[]): Uint8Array {
  const items = tensors.flatMap((tensor) => [op.text(tensor.name), tensorPickle(tensor)]);
  return pickle(op.emptyDict, op.mark, ...items, op.setItems);
}

/** What an entry of a zip says; every field can lie. */
export interface ZipEntrySpec {
  name: string;
  bytes: Uint8Array;
  /** In both headers. */
  method?: number;
  flags?: number;
  /** What the directory claims instead of the truth. */
  claimedBytes?: number;
  claimedStoredBytes?: number;
  claimedOffset?: number;
  localName?: string;
}

export interface ZipLies {
  entries?: number;
  directoryOffset?: number;
  directoryBytes?: number;
  disk?: number;
}

export function zip(
  entries: readonly ZipEntrySpec[],
  lies: ZipLies = {},
  tail: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const { method = 0, flags = 0x800, bytes } = entry;
    const name = bytesOf(entry.name);
    const localName = bytesOf(entry.localName ?? entry.name);
    const common = concat(little(flags, 2), little(method, 2), little(0, 4), little(crc32(bytes), 4));
    const sizes = concat(little(bytes.length, 4), little(bytes.length, 4));
    const claimed = concat(
      little(entry.claimedStoredBytes ?? entry.claimedBytes ?? bytes.length, 4),
      little(entry.claimedBytes ?? bytes.length, 4),
    );
    const local = concat(little(0x04034b50, 4), [0, 0], common, sizes, little(localName.length, 2), [0, 0], localName);
    directory.push(
      concat(
        ...[little(0x02014b50, 4), [0, 0, 0, 0], common, claimed, little(name.length, 2), new Uint8Array(12)],
        ...[little(entry.claimedOffset ?? at, 4), name],
      ),
    );
    parts.push(local, bytes);
    at += local.length + bytes.length;
  }
  const central = concat(...directory);
  const count = little(lies.entries ?? entries.length, 2);
  const end = concat(
    ...[little(0x06054b50, 4), little(lies.disk ?? 0, 2), [0, 0], count, count],
    ...[little(lies.directoryBytes ?? central.length, 4), little(lies.directoryOffset ?? at, 4), [0, 0]],
  );
  return concat(...parts, central, tail, end);
}

/** A zip as torch.save makes it, around a pickle. */
export function torchZip(data: Uint8Array, storages: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zip([
    { name: "m/data.pkl", bytes: data },
    { name: "m/byteorder", bytes: bytesOf("little") },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `m/data/${key}`, bytes })),
    { name: "m/version", bytes: bytesOf("3\n") },
  ]);
}

/** The format before PyTorch 1.6. */
export function torchLegacy(
  data: Uint8Array,
  storages: readonly { key: string; count: number | bigint; bytes: Uint8Array }[],
) {
  const machine = pickle(op.emptyDict, op.mark, op.text("little_endian"), [0x88], op.setItems);
  const keys = pickle(op.emptyList, op.mark, ...storages.map(({ key }) => op.text(key)), op.appends);
  const magic = concat([0x8a, 10], little(0x1950a86a20f9469cfc6cn, 10));
  const values = storages.map(({ count, bytes }) => concat(little(count, 8), bytes));
  return concat(pickle(magic), pickle(op.int(1001)), machine, data, keys, ...values);
}

export const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
