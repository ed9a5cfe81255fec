// Rows of floats → 16-bit q - zero as matmul-i16.ts multiplies them: what quantize.ts does in the form of pairs.
//
//   out     i16 [ceil(M/4)][roundUp4(K)/2][4][2]    of every four neighbours in k the first and third, then the second and fourth;
//                                                   what lies beyond K meets weights of 0, beyond M is one of the rows again
//   scales  f32 [M]            zeros  i32 [M]: 0
//   x       f32 [M][K]         rows strideBytes apart, only read
//
// Four rows at a time: they fill the vectors of a group, without stores of single lanes, and their scales are one vector's (measured on
// an EPYC of 2021 against row by row: 46 % less time at depth 128, 31 % at 768; 1 % of a matmul of 32 rows).
import { groupOffset } from "./matmul-i16";
import { roundUp4 } from "./pack";
import { inverseOf, lowOf, ROUNDER, scaleOf, storedScale, zeroOf } from "./scales";
import { storeLanes } from "./simd";

/** Of each of four rows the greatest lanes as signed, then as unsigned integers: v128 [2][4]. */
const greatest: usize = memory.data(128, 16);
/** 1/scale of each, f32 [4], and zero, i32 [4]. */
const roundings: usize = memory.data(32, 16);
/** The last one to three floats of each, filled up with 0: f32 [4][4]. */
const tails: usize = memory.data(64, 16);

export function quantizePairs(out: usize, scales: usize, zeros: usize, x: usize, strideBytes: usize, M: i32, K: i32): void {
  memory.fill(zeros, 0, (<usize>M) << 2);
  for (; M > 0; M -= 4) {
    const x1 = M > 1 ? x + strideBytes : x;
    const x2 = M > 2 ? x1 + strideBytes : x;
    const x3 = M > 3 ? x2 + strideBytes : x;
    const scale = storedScale(quantizeFour(out, x, x1, x2, x3, K));
    if (M < 4) storeLanes(scales, scale, M);
    else v128.store(scales, scale);
    out += groupOffset(roundUp4(K));
    x = x3 + strideBytes;
    scales += 16;
  }
}

/** Returns their scales. */
function quantizeFour(out: usize, x0: usize, x1: usize, x2: usize, x3: usize, K: i32): v128 {
  const whole = (<usize>K & -4) << 2;
  const rest = (<usize>K & 3) << 2;
  memory.fill(greatest, 0, 128);
  findGreatest(x0, x1, x2, x3, whole);
  if (rest) {
    memory.fill(tails, 0, 64);
    memory.copy(tails, x0 + whole, rest);
    memory.copy(tails + 16, x1 + whole, rest);
    memory.copy(tails + 32, x2 + whole, rest);
    memory.copy(tails + 48, x3 + whole, rest);
    findGreatest(tails, tails + 16, tails + 32, tails + 48, 16);
  }
  const signed01 = i32x4.max_s(firstHalves(0), lastHalves(0));
  const signed23 = i32x4.max_s(firstHalves(32), lastHalves(32));
  const unsigned01 = i32x4.max_u(firstHalves(64), lastHalves(64));
  const unsigned23 = i32x4.max_u(firstHalves(96), lastHalves(96));
  const high = i32x4.max_s(evenLanes(signed01, signed23), oddLanes(signed01, signed23));
  const low = lowOf(i32x4.max_u(evenLanes(unsigned01, unsigned23), oddLanes(unsigned01, unsigned23)));
  const scale = scaleOf(high, low);
  const inverse = inverseOf(scale);
  v128.store(roundings, inverse);
  v128.store(roundings, zeroOf(low, inverse), 16);
  writeGroup(out, x0, x1, x2, x3, whole);
  if (rest) writeGroup(out + groupOffset(K & -4), tails, tails + 16, tails + 32, tails + 48, 16);
  return scale;
}

// @ts-ignore: decorator
@inline
function firstHalves(at: usize): v128 {
  return i32x4.shuffle(v128.load(greatest + at), v128.load(greatest + at + 16), 0, 1, 4, 5);
}

// @ts-ignore: decorator
@inline
function lastHalves(at: usize): v128 {
  return i32x4.shuffle(v128.load(greatest + at), v128.load(greatest + at + 16), 2, 3, 6, 7);
}

// @ts-ignore: decorator
@inline
function evenLanes(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 2, 4, 6);
}

// @ts-ignore: decorator
@inline
function oddLanes(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 1, 3, 5, 7);
}

/** Adds to `greatest`. Bytes of each row, a multiple of 16. */
function findGreatest(x0: usize, x1: usize, x2: usize, x3: usize, bytes: usize): void {
  let signed0 = v128.load(greatest), signed1 = v128.load(greatest, 16);
  let signed2 = v128.load(greatest, 32), signed3 = v128.load(greatest, 48);
  let unsigned0 = v128.load(greatest, 64), unsigned1 = v128.load(greatest, 80);
  let unsigned2 = v128.load(greatest, 96), unsigned3 = v128.load(greatest, 112);
  for (const end = x0 + bytes; x0 < end; x0 += 16, x1 += 16, x2 += 16, x3 += 16) {
    const a = v128.load(x0);
    signed0 = i32x4.max_s(signed0, a);
    unsigned0 = i32x4.max_u(unsigned0, a);
    const b = v128.load(x1);
    signed1 = i32x4.max_s(signed1, b);
    unsigned1 = i32x4.max_u(unsigned1, b);
    const c = v128.load(x2);
    signed2 = i32x4.max_s(signed2, c);
    unsigned2 = i32x4.max_u(unsigned2, c);
    const d = v128.load(x3);
    signed3 = i32x4.max_s(signed3, d);
    unsigned3 = i32x4.max_u(unsigned3, d);
  }
  v128.store(greatest, signed0);
  v128.store(greatest, signed1, 16);
  v128.store(greatest, signed2, 32);
  v128.store(greatest, signed3, 48);
  v128.store(greatest, unsigned0, 64);
  v128.store(greatest, unsigned1, 80);
  v128.store(greatest, unsigned2, 96);
  v128.store(greatest, unsigned3, 112);
}

/** With `roundings`. Bytes of each row, a multiple of 16. */
function writeGroup(out: usize, x0: usize, x1: usize, x2: usize, x3: usize, bytes: usize): void {
  const inverse0 = v128.load32_splat(roundings), inverse1 = v128.load32_splat(roundings, 4);
  const inverse2 = v128.load32_splat(roundings, 8), inverse3 = v128.load32_splat(roundings, 12);
  // Rounding adds zero as well, and takes it off again as an integer.
  const zeros = v128.load(roundings, 16);
  const rounders = f32x4.add(f32x4.convert_i32x4_s(zeros), v128.load32_splat(ROUNDER));
  const rounder0 = i32x4.shuffle(rounders, rounders, 0, 0, 0, 0), rounder1 = i32x4.shuffle(rounders, rounders, 1, 1, 1, 1);
  const rounder2 = i32x4.shuffle(rounders, rounders, 2, 2, 2, 2), rounder3 = i32x4.shuffle(rounders, rounders, 3, 3, 3, 3);
  // What a pair of each row is clamped to. 255.5 becomes 256; and a row with a NaN holds anything, of which Strassen's sums with other rows
  // must not leave 16 bits.
  const lowest = i32x4.neg(zeros);
  const lowestPairs = v128.or(i32x4.shl(lowest, 16), v128.and(lowest, i32x4.splat(65535)));
  const highestPairs = i16x8.add(lowestPairs, i16x8.splat(255));
  for (const end = x0 + bytes; x0 < end; x0 += 16, x1 += 16, x2 += 16, x3 += 16, out += groupOffset(4)) {
    const a = centred(x0, inverse0, rounder0);
    const b = centred(x1, inverse1, rounder1);
    const even01 = evenLanes(a, b);
    const odd01 = oddLanes(a, b);
    const c = centred(x2, inverse2, rounder2);
    const d = centred(x3, inverse3, rounder3);
    const even = i16x8.narrow_i32x4_s(even01, evenLanes(c, d));
    const odd = i16x8.narrow_i32x4_s(odd01, oddLanes(c, d));
    v128.store(out, i16x8.min_s(i16x8.max_s(even, lowestPairs), highestPairs));
    v128.store(out, i16x8.min_s(i16x8.max_s(odd, lowestPairs), highestPairs), 16);
  }
}

/** round(x·inverse + zero) - zero of four neighbours. */
// @ts-ignore: decorator
@inline
function centred(x: usize, inverse: v128, rounderWithZero: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.mul(v128.load(x), inverse), rounderWithZero), rounderWithZero);
}
