// embed against its twin, from a table of floats and of bytes: sizes that fill no panel, first and last rows, inputs_embeds.
import { expect, it } from "vitest";
import { KernelInstance } from "../../src/runtime/kernel-instance.ts";
import { panelBytes } from "../../src/weights/panels.ts";
import { embed } from "../reference/embedding.ts";
import { describeBuilds } from "../support/builds.ts";
import { expectClose } from "../support/errors.ts";
import { randomFloats } from "../support/random.ts";

describeBuilds("embed", (build) => {
  it.each([1, 3, 4, 7, 128])("embedding size %d", async (E) => {
    const kernels = await KernelInstance.create({ build });
    expect(kernels.build).toBe(build);
    const V = 21;
    const tables = {
      words: randomFloats(V * E, 1),
      types: randomFloats(2 * E, 2),
      positions: randomFloats(9 * E, 3),
    };
    const rows = { ids: [0, 7, 8, 20, 13], types: [0, 1, 1, 0, 0], positions: [0, 1, 8, 3, 3] };
    const T = rows.ids.length;
    const gamma = randomFloats(E, 4);
    const beta = randomFloats(E, 5);
    const expected = embed(tables, rows, gamma, beta, T, E, 1e-12);

    const floats = (values: Float32Array) => {
      const at = kernels.allocate(values.byteLength);
      kernels.floats(at, values.length).set(values);
      return at;
    };
    const ints = (values: readonly number[]) => {
      const at = kernels.allocate(values.length * 4);
      kernels.ints(at, values.length).set(values);
      return at;
    };
    const source = floats(tables.words);
    const panels = kernels.allocate(Math.ceil(V / 8) * 8 * E * 4);
    kernels.exports.packRows(panels, source, E * 4, V, E);
    const words = ints([panels, 0, 0, 0, 0]);
    const out = kernels.allocate(T * E * 4);
    const [types, positions] = [floats(tables.types), floats(tables.positions)];
    const [g, b] = [floats(gamma), floats(beta)];
    const [typeRows, positionRows] = [ints(rows.types), ints(rows.positions)];
    // One value has no variance: eps alone is under the root, and rounding counts a million times.
    const bounds = { nmse: 1e-11, maxAbs: E === 1 ? 1e-6 : 1e-5 };

    kernels.exports.embed(out, ints(rows.ids), typeRows, positionRows, words, types, positions, g, b, T, E, 1e-12);
    expectClose(kernels.floats(out, T * E), expected, bounds);

    rows.ids.forEach((id, t) => {
      kernels.floats(out + t * E * 4, E).set(tables.words.subarray(id * E, (id + 1) * E));
    });
    kernels.exports.embed(out, 0, typeRows, positionRows, words, types, positions, g, b, T, E, 1e-12);
    expectClose(kernels.floats(out, T * E), expected, bounds);

    const bytes = kernels.allocate(panelBytes(V, E, "q8"));
    const scales = kernels.allocate(V * 4);
    kernels.exports.packRowsI8(bytes, scales, source, V, E);
    const rounded = Float32Array.from(tables.words, (w, i) => {
      const scale = kernels.floats(scales, V)[Math.floor(i / E)]!;
      return Math.round(w / scale) * scale;
    });
    const expectedOfBytes = embed({ ...tables, words: rounded }, rows, gamma, beta, T, E, 1e-12);
    const byteWords = ints([bytes, 0, scales, 0]);
    kernels.exports.embed(out, ints(rows.ids), typeRows, positionRows, byteWords, types, positions, g, b, T, E, 1e-12);
    expectClose(kernels.floats(out, T * E), expectedOfBytes, bounds);
  });
});
