// Whether floats are finite: weights are checked while they are loaded, so that damage does not surface as NaN much later.
//
//   areFinite = 1 when no x[i] is NaN or infinite, else 0
//   arePositive = 1 when all are above 0 besides, as scales are
//
//   x   f32 [n]   any alignment; only read

/** x - x is 0 for finite x and NaN, which has bits, for any other: n subtractions, no constants to keep in registers. */
export function areFinite(x: usize, n: i32): i32 {
  let bits = i32x4.splat(0);
  let i = 0;
  for (; i + 16 <= n; i += 16, x += 64) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    const c = v128.load(x, 32);
    const d = v128.load(x, 48);
    bits = v128.or(bits, v128.or(v128.or(f32x4.sub(a, a), f32x4.sub(b, b)), v128.or(f32x4.sub(c, c), f32x4.sub(d, d))));
  }
  let tail: u32 = 0;
  for (; i < n; i++, x += 4) {
    const value = load<f32>(x);
    tail |= reinterpret<u32>(value - value);
  }
  return i32(!(v128.any_true(bits) || tail != 0));
}

/** As integers less 1, without a sign, 0 is the greatest and all else that is not positive and finite is from infinity on: n subtractions. */
export function arePositive(x: usize, n: i32): i32 {
  const one = i32x4.splat(1);
  let greatest = i32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4, x += 16) greatest = i32x4.max_u(greatest, i32x4.sub(v128.load(x), one));
  let tail: u32 = 0;
  for (; i < n; i++, x += 4) tail = max(tail, load<u32>(x) - 1);
  const infinity = i32x4.splat(0x7f800000 - 1);
  return i32(!v128.any_true(i32x4.ge_u(i32x4.max_u(greatest, i32x4.splat(tail)), infinity)));
}
