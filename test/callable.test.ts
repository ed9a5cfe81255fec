// Callable: instances of a class that are called like functions, as transformers.js's models, tokenizers and pipelines are.
import { expect, it } from "vitest";
import { Callable } from "../src/callable.ts";

class Adder extends Callable {
  readonly start: number;
  #calls = 0;

  constructor(start: number) {
    super();
    this.start = start;
  }

  get calls(): number {
    return this.#calls;
  }

  _call(a: number, b = 0): number {
    this.#calls++;
    return this.start + a + b;
  }
}

class Doubler extends Adder {
  override _call(a: number): number {
    return 2 * super._call(a);
  }
}

it("an instance is a function and an instance: fields, private ones, getters, methods, subclasses", () => {
  const add = new Adder(10) as Adder & ((a: number, b?: number) => number);
  expect(typeof add).toBe("function");
  expect(add).toBeInstanceOf(Adder);
  expect([add(1), add(1, 2), add._call(5)]).toEqual([11, 13, 15]);
  expect(add.calls).toBe(3);
  const double = new Doubler(1) as Doubler & ((a: number) => number);
  expect(double).toBeInstanceOf(Adder);
  expect(double(2)).toBe(6);
  expect(add.calls).toBe(3); // each has its own state
  expect([1, 2].map((n) => add(n))).toEqual([11, 12]);
});

it("null behind the first argument counts as not given", () => {
  const add = new Adder(10) as Adder & ((a: number | null, b?: number | null) => number);
  expect([add(1, null), add(null, 2)]).toEqual([11, 12]);
});

it("what `_call` throws or rejects with reaches the caller", async () => {
  class Failing extends Callable {
    async _call(): Promise<never> {
      throw new RangeError("no");
    }
  }
  const fail = new Failing() as unknown as () => Promise<never>;
  await expect(fail()).rejects.toThrow(RangeError);
});
