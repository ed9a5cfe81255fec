// Tensor: a typed array with dims, as transformers.js has it. It owns its data, never a view of wasm memory.
import { RobertalbertError, show } from "./errors.ts";

const ARRAY_OF_TYPE = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

export type TensorType = keyof typeof ARRAY_OF_TYPE;
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
export type NestedArray = number | bigint | NestedArray[];

/** A dense row-major tensor. */
export class Tensor {
  readonly type: TensorType;
  /** The values in row-major order; empty after `dispose()`. */
  data: TensorData;
  readonly dims: readonly number[];

  /**
   * @param type what `data` holds
   * @param data the values, row-major; a plain array is converted. A typed array of the right kind is kept, not copied
   * @param dims the shape; its product must be the number of values
   * @throws INPUT_INVALID when type, data and dims do not fit together
   */
  constructor(type: TensorType, data: TensorData | readonly number[] | readonly bigint[], dims: readonly number[]) {
    const ArrayType = typeof type === "string" && Object.hasOwn(ARRAY_OF_TYPE, type) ? ARRAY_OF_TYPE[type] : undefined;
    if (ArrayType === undefined) {
      const known = Object.keys(ARRAY_OF_TYPE).join(", ");
      throw new RobertalbertError("INPUT_INVALID", `Tensor: type is ${show(type)}, expected one of ${known}`);
    }
    if (!Array.isArray(dims) || !dims.every((d) => Number.isSafeInteger(d) && d >= 0)) {
      throw new RobertalbertError("INPUT_INVALID", `Tensor: dims must be whole numbers from 0 up, got ${show(dims)}`);
    }
    const size = dims.reduce((a, b) => a * b, 1);
    const length = (data as ArrayLike<unknown> | undefined)?.length;
    if (length !== size) {
      throw new RobertalbertError(
        "INPUT_INVALID",
        `Tensor: dims [${dims}] need ${size} values, got ${length ?? show(data)}`,
      );
    }
    this.type = type;
    // By name, not instanceof: test runners and iframes have several realms (jestjs/jest#11864).
    const sameKind = ArrayBuffer.isView(data) && Object.prototype.toString.call(data) === `[object ${ArrayType.name}]`;
    this.data = sameKind ? (data as TensorData) : convert(type, data as readonly (number | bigint)[]);
    this.dims = Object.freeze([...dims]);
  }

  /** The number of values. */
  get size(): number {
    return this.data.length;
  }

  /** Nested arrays of numbers (bigints for int64); for no dims the value itself. */
  tolist(): NestedArray {
    const build = (axis: number, offset: number, stride: number): NestedArray => {
      if (axis === this.dims.length) return this.data[offset] as number | bigint;
      const step = stride / this.dims[axis]!;
      return Array.from({ length: this.dims[axis]! }, (_, i) => build(axis + 1, offset + i * step, step));
    };
    return build(0, 0, this.data.length);
  }

  /** Forgets the data. Further reads see an empty tensor. */
  dispose(): void {
    this.data = new ARRAY_OF_TYPE[this.type](0);
  }
}

function convert(type: TensorType, values: readonly (number | bigint)[]): TensorData {
  if (type === "int64") return BigInt64Array.from(values, toBigInt);
  if (type === "float32") return Float32Array.from(values, Number);
  if (type === "float64") return Float64Array.from(values, Number);
  if (type === "int32") return Int32Array.from(values, Number);
  return Uint8Array.from(values, Number);
}

function toBigInt(value: number | bigint): bigint {
  if (typeof value === "bigint" || Number.isInteger(value)) return BigInt(value);
  throw new RobertalbertError("INPUT_INVALID", `Tensor: an int64 value is ${show(value)}, expected a whole number`);
}
