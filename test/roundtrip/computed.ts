// What Transformers computes with a folder (run.py), and how far a model of this package is from that.
import type { AlbertForMaskedLM } from "../../src/model/masked-lm.ts";
import type { Tensor } from "../../src/tensor.ts";
import { meanError } from "../support/distance.ts";
import { readTensors, worstRatio } from "../support/golden.ts";
import { runPython } from "./python.ts";

export const TEXTS = [
  "Call me Ishmael.",
  "The whale was swimming in the <mask>.",
  "It was a <mask> day, and the captain – pale as a sail – said nothing at all. 🐋",
  "<mask>",
];
const LENGTHS = [512, 513, 514];
/** The texts padded on either side, positions counted in either way, and the longest inputs. */
export const CASES = ["right", "left", "right-roberta", "left-roberta", ...LENGTHS.map((tokens) => `length-${tokens}`)];

export type Answer = { score: number; token: number; token_str: string; sequence: string };

export interface Computed {
  /** float32 against float64, per case and output. */
  errors: Record<string, Record<"hidden_states" | "logits", number>>;
  /** Per text with a <mask>. */
  fill_mask: Record<string, Answer[]>;
  tensors: Map<string, Tensor>;
  stderr: string;
}

/** @param out a safetensors file to be written on the way */
export async function compute(script: string, folder: string, out: string): Promise<Computed> {
  const { stdout, stderr } = await runPython(script, [folder, out], { texts: TEXTS, lengths: LENGTHS });
  return { ...JSON.parse(stdout), tensors: readTensors(out), stderr };
}

interface Comparison {
  /** The farthest value of each hidden state and of the logits, in golden tolerances: right up to 1. */
  ratios: number[];
  /** mean |Δ| / mean |x| of the last hidden state. */
  error: number;
}

/** Runs one case; what the attention mask hides is not compared. */
export async function compare(model: AlbertForMaskedLM, computed: Computed, name: string): Promise<Comparison> {
  const expected = (output: string) => computed.tensors.get(`${name}.${output}`)!;
  const attention_mask = expected("attention_mask");
  const position_ids = name.endsWith("-roberta") ? "roberta" : undefined;
  const inputs = { input_ids: expected("input_ids"), attention_mask, ...(position_ids && ({ position_ids } as const)) };
  const outputs = await model(inputs, { output_hidden_states: true });

  const layers = outputs.hidden_states as Tensor[];
  const stack = expected("hidden_states").data as Float32Array;
  const layerFloats = stack.length / layers.length;
  const pairs = layers.map((layer, l) => [layer, stack.subarray(l * layerFloats, (l + 1) * layerFloats)] as const);
  const visible = attention_mask.data as Int32Array;
  const isVisible = (tensor: Tensor) => (i: number) => visible[Math.floor(i / tensor.dims.at(-1)!)] === 1;
  const ratio = (actual: Tensor, wanted: Float32Array, float32Error: number) => {
    if (actual.data.length !== wanted.length)
      throw new Error(`${name}: ${actual.data.length} values, not ${wanted.length}`);
    return worstRatio(actual.data as Float32Array, wanted, float32Error, isVisible(actual));
  };
  const { hidden_states, logits } = computed.errors[name]!;
  const ratios = pairs.map(([actual, wanted]) => ratio(actual, wanted, hidden_states));
  ratios.push(ratio(outputs.logits, expected("logits").data as Float32Array, logits));

  const [last, lastWanted] = pairs.at(-1)!;
  return { ratios, error: meanError(last.data as Float32Array, lastWanted, isVisible(last)) };
}
