// The elementwise functions in float64, as their formulas say.

export const ACTIVATIONS = ["gelu", "gelu_tanh", "relu", "silu", "tanh"] as const;
export type ActivationName = (typeof ACTIVATIONS)[number];

export function activate(name: ActivationName, x: number): number {
  switch (name) {
    case "gelu":
      return (x / 2) * (1 + erf(x / Math.SQRT2));
    case "gelu_tanh":
      return (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case "relu":
      return x < 0 ? 0 : x;
    case "silu":
      return x / (1 + Math.exp(-x));
    case "tanh":
      return Math.tanh(x);
  }
}

/** 2/√π · Σ (-1)ⁿ x^(2n+1) / (n! (2n+1)) up to |x| = 3; beyond, 1 - erfc x by its continued fraction (Abramowitz & Stegun 7.1.5, 7.1.14). */
export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 0) return -erf(-x);
  if (x <= 3) {
    let power = x;
    let sum = x;
    for (let n = 1; n < 100; n++) {
      power *= (-x * x) / n;
      sum += power / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let n = 60; n > 0; n--) fraction = x + n / 2 / fraction;
  return 1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}
