// The few Python names that stand in a state dict, and the plain values that they stand for here. Nothing is ever called:
// REDUCE of these names describes a tensor, and this file reads the description.
import { show } from "../../errors.ts";
import type { PickleHost } from "./pickle.ts";

/** A run of values in the file, known by its key. */
export interface TorchStorage {
  kind: "storage";
  /** As safetensors names it. */
  dtype: string;
  key: string;
  /** Values that it has. */
  length: number;
}

/** A view of a storage. Offset and strides count values. */
export interface TorchTensor {
  kind: "tensor";
  storage: TorchStorage;
  offset: number;
  shape: readonly number[];
  strides: readonly number[];
}

interface StorageType {
  kind: "storage type";
  dtype: string;
}

interface Constructor {
  kind: "constructor";
  name: string;
  make(args: readonly unknown[]): unknown;
}

const STORAGE_TYPES: Readonly<Record<string, string>> = {
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.DoubleStorage": "F64",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

/** Strides of 0 repeat values: a few may, gigabytes may not come out of a small file. */
const MOST_REPEATED = 1 << 20;
/** Python 2 made an OrderedDict of a list, which a pickle may hand over again and again. */
const MOST_PAIRS = 1 << 18;
/** PyTorch's own limit is 64 dimensions. */
const MOST_DIMENSIONS = 64;

/**
 * A host for one file's pickles: makes Maps, TorchStorages and TorchTensors. The same key is always the same storage.
 * @param errors how to complain
 */
export function stateDictHost(errors: Pick<PickleHost, "invalid" | "refused">): PickleHost {
  const { invalid, refused } = errors;
  const storages = new Map<string, TorchStorage>();
  let pairsLeft = MOST_PAIRS;
  const constructors: Record<string, (args: readonly unknown[]) => unknown> = {
    "collections.OrderedDict": orderedDict,
    "torch._utils._rebuild_tensor": tensor,
    "torch._utils._rebuild_tensor_v2": tensor,
    "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_parameter_with_state": parameter,
  };

  function orderedDict(args: readonly unknown[]): unknown {
    const [pairs = []] = args;
    if (args.length > 1 || !Array.isArray(pairs)) throw invalid("an OrderedDict is not made of a list");
    pairsLeft -= pairs.length;
    if (pairsLeft < 0) throw refused(`OrderedDicts of more than ${MOST_PAIRS} pairs`);
    if (!pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
      throw invalid("an OrderedDict is not made of pairs");
    return new Map(pairs as [unknown, unknown][]);
  }

  /** (storage, offset, size, stride, …): what follows concerns training. */
  function tensor(args: readonly unknown[]): TorchTensor {
    const [storage, offset, shape, strides] = args;
    if (!isKind<TorchStorage>(storage, "storage")) throw invalid(`a tensor has ${show(storage)} for its storage`);
    const what = `a tensor of storage ${show(storage.key)} has offset ${show(offset)}, shape [${list(shape)}], strides [${list(strides)}]`;
    const at = size(offset);
    const sizes = wholeNumbers(shape);
    const steps = wholeNumbers(strides);
    if (at === undefined || sizes === undefined || steps === undefined || sizes.length !== steps.length)
      throw invalid(`${what}: expected whole numbers from 0 up, as many of one as of the other`);
    const count = sizes.reduce((a, b) => a * b, 1);
    const last = sizes.reduce((sum, n, i) => sum + (n - 1) * steps[i]!, at);
    if (!Number.isSafeInteger(count * 8) || (count > 0 && last >= storage.length))
      throw invalid(`${what}: it reaches beyond its storage of ${storage.length} values`);
    if (count > storage.length + MOST_REPEATED) throw refused(`${what}: it repeats ${storage.length} values too often`);
    return { kind: "tensor", storage, offset: at, shape: sizes, strides: steps };
  }

  function parameter([data]: readonly unknown[]): TorchTensor {
    if (isKind<TorchTensor>(data, "tensor")) return data;
    throw invalid(`a Parameter is made of ${show(data)}, expected a tensor`);
  }

  return {
    invalid,
    refused,
    global(name) {
      const dtype = Object.hasOwn(STORAGE_TYPES, name) ? STORAGE_TYPES[name] : undefined;
      if (dtype !== undefined) return { kind: "storage type", dtype } satisfies StorageType;
      if (!Object.hasOwn(constructors, name)) throw refused(`GLOBAL ${show(name)} in its pickle`);
      return { kind: "constructor", name, make: constructors[name]! } satisfies Constructor;
    },
    reduce(callee, args) {
      if (isKind<Constructor>(callee, "constructor")) return callee.make(args);
      throw refused(`REDUCE of ${show(callee)} in its pickle`);
    },
    persistent(id) {
      const [tag, type, key, , length, viewOf] = Array.isArray(id) ? id : [];
      const values = size(length);
      if (
        tag !== "storage" ||
        !isKind<StorageType>(type, "storage type") ||
        typeof key !== "string" ||
        values === undefined
      )
        throw refused(`persistent id ${show(id)}, expected ("storage", type, key, place, length)`);
      if (viewOf !== undefined && viewOf !== null)
        throw refused("a storage that is a view of another (PyTorch before 0.4)");
      const known = storages.get(key);
      if (known && (known.dtype !== type.dtype || known.length !== values))
        throw invalid(
          `storage ${show(key)} is ${known.length} values of ${known.dtype} and also ${values} of ${type.dtype}`,
        );
      const storage = known ?? { kind: "storage", dtype: type.dtype, key, length: values };
      storages.set(key, storage);
      return storage;
    },
  };
}

/** Whether a value of the machine is one of ours: its dicts are Maps, so nothing in a file can look like one. */
export function isKind<T extends { kind: string }>(value: unknown, kind: T["kind"]): value is T {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === kind;
}

/** A count as a number; undefined when it is none. */
function size(value: unknown): number | undefined {
  const number = typeof value === "bigint" ? Number(value) : value;
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : undefined;
}

/** Sizes or strides; undefined when they are none. */
function wholeNumbers(values: unknown): number[] | undefined {
  if (!Array.isArray(values) || values.length > MOST_DIMENSIONS) return undefined;
  const numbers = values.map(size);
  return numbers.every((number) => number !== undefined) ? numbers : undefined;
}

const list = (values: unknown): string =>
  Array.isArray(values) ? values.slice(0, 8).map(show).join(", ") : show(values);
