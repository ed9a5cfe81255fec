// Seeded random numbers: the same on every engine, so that a failure can be repeated.

/** Mulberry32: numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Floats in [-scale, scale). */
export function randomFloats(length: number, seed: number, scale = 1): Float32Array {
  const random = randomFrom(seed);
  return Float32Array.from({ length }, () => (2 * random() - 1) * scale);
}
