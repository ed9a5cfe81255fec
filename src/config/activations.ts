// The activations: Transformers' names (ACT2FN) → the formula that the kernels have.
import { RobertalbertError, show } from "../errors.ts";

/** gelu is the exact erf form, gelu_tanh its tanh approximation. */
export type ActivationKind = "gelu" | "gelu_tanh" | "relu" | "silu" | "tanh";

// "gelu_fast" and "gelu_accurate" write the constants of the tanh form otherwise (0.7978845608, sqrt(2 / pi)); the formula is the same.
// Left out on purpose: gelu_10 (clipped), quick_gelu (sigmoid), linear, mish, laplace, relu2, relu6, sigmoid.
const KIND_OF = new Map<string, ActivationKind>([
  ["gelu", "gelu"],
  ["gelu_python", "gelu"],
  ["gelu_new", "gelu_tanh"],
  ["gelu_fast", "gelu_tanh"],
  ["gelu_accurate", "gelu_tanh"],
  ["gelu_pytorch_tanh", "gelu_tanh"],
  ["gelu_python_tanh", "gelu_tanh"],
  ["relu", "relu"],
  ["silu", "silu"],
  ["swish", "silu"],
  ["tanh", "tanh"],
]);

/**
 * @param name `hidden_act` of a config.json
 * @param where the file, for the message
 * @throws CONFIG_UNSUPPORTED, listing the names that are known
 */
export function activationKind(name: unknown, where = "config.json"): ActivationKind {
  const kind = typeof name === "string" ? KIND_OF.get(name) : undefined;
  if (kind !== undefined) return kind;
  throw new RobertalbertError(
    "CONFIG_UNSUPPORTED",
    `${where}: hidden_act is ${show(name)}, expected one of ${[...KIND_OF.keys()].join(", ")}`,
  );
}
