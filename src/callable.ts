// Callable: base class of tokenizers, models and pipelines, which transformers.js users call like functions.

/**
 * An instance of a subclass is a function that forwards to its `_call`.
 * Type the call by merging an interface of the same name that has a call signature:
 * `export interface Foo { (x: number): string }  export class Foo extends Callable { _call(x: number) { … } }`
 */
export abstract class Callable {
  constructor() {
    // null behind the first argument counts as not given, as transformers.js and Python code passes it.
    const self = (first?: unknown, ...rest: unknown[]): unknown =>
      (self as unknown as Callable)._call(...([first, ...rest.map((value) => value ?? undefined)] as never[]));
    // A constructor may give another object than `this`: subclass fields, private ones too, are then set on the function.
    // biome-ignore lint/correctness/noConstructorReturn: this is the whole point of the class
    return Object.setPrototypeOf(self, new.target.prototype) as this;
  }

  /** What calling the instance does. */
  abstract _call(...args: never[]): unknown;
}
