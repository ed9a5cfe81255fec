// Whether floats are finite: weights are checked while they are loaded, so that damage does not surface as NaN much later.
//
//   areFinite = 1 when no x[i] is NaN or infinite, else 0
//
//   x   f32 [n]   any alignment; only read
//
// x - x is 0 for finite x and NaN, which has bits, for any other: n subtractions, no constants to keep in registers.

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
