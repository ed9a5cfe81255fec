// Random numbers that are the same bits on every engine: only integer operations, + - * / and square roots, which IEEE 754 makes exact.

/** A source of 32-bit integers: xoshiro128** (Blackman and Vigna), its state filled from a text. */
export class RandomBits {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** @param seed any text; texts that differ give streams that have nothing to do with each other */
  constructor(seed: string) {
    // FNV-1a over the units, then splitmix32 four times.
    let hash = 0x811c9dc5;
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
    const next = () => {
      hash = (hash + 0x9e3779b9) | 0;
      let z = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return z ^ (z >>> 16);
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next();
  }

  /** 0 … 2³² - 1 */
  next(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.b, 5), 7), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = rotateLeft(this.d, 11);
    return result;
  }
}

/**
 * The standard normal value below which the share (n + ½) / 2³² lies, to 1e-15: Wichura's algorithm AS 241 (PPND16).
 * Without its branch for the far tail, which begins at 2⁻³⁶.
 * @param n 0 … 2³² - 1
 */
export function normalOf(n: number): number {
  const q = (n - 0x80000000 + 0.5) / 0x100000000;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_NUMERATOR, r)) / polynomial(CENTRE_DENOMINATOR, r);
  }
  const fromEnd = q < 0 ? n + 0.5 : 0x100000000 - n - 0.5;
  const r = Math.sqrt(32 * Math.LN2 - logarithm(fromEnd)) - 1.6;
  const z = polynomial(TAIL_NUMERATOR, r) / polynomial(TAIL_DENOMINATOR, r);
  return q < 0 ? -z : z;
}

/** ln x for x = k + ½ below 2³¹: the power of two apart, the rest as 2 artanh((f - 1) / (f + 1)), |f - 1| small. */
function logarithm(x: number): number {
  let exponent = 31 - Math.clz32(Math.floor(x));
  if (exponent < 0) exponent = 0; // x = ½: f = ½ is near enough to 1
  let f = x / ((1 << exponent) >>> 0);
  if (f > Math.SQRT2) {
    f /= 2;
    exponent++;
  }
  const s = (f - 1) / (f + 1);
  const square = s * s;
  let sum = 0;
  for (let k = 41; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return exponent * Math.LN2 + 2 * s * sum;
}

function rotateLeft(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

/** Horner's rule, highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) value = value * x + coefficients[i]!;
  return value;
}

const CENTRE_NUMERATOR = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
  133.14166789178438, 3.3871328727963665,
];
const CENTRE_DENOMINATOR = [
  5226.495278852546, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
  42.31333070160091, 1,
];
const TAIL_NUMERATOR = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const TAIL_DENOMINATOR = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
