// How far a result is from its reference, as numbers: benchmarks use them too, outside of the test runner.

/** Σ (actual - expected)² / Σ expected²; NaN when any is. */
export function nmse(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0;
  let power = 0;
  for (let i = 0; i < expected.length; i++) {
    error += (actual[i]! - expected[i]!) ** 2;
    power += expected[i]! ** 2;
  }
  return error === 0 ? 0 : error / power;
}

export function maxAbsError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error <= worst)) worst = error;
    if (Number.isNaN(worst)) return worst;
  }
  return worst;
}

/** Σ |actual - expected| / Σ |expected|, over the entries that count: default all. */
export function meanError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  counts: (i: number) => boolean = () => true,
): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!counts(i)) continue;
    error += Math.abs(actual[i]! - expected[i]!);
    size += Math.abs(expected[i]!);
  }
  return error / size;
}
