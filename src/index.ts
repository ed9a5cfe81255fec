// The package's public names, and nothing else.
export type { AlbertConfig } from "./config/config.ts";
export {
  explainRecipe,
  type Recipe,
  type RecipeOptions,
  type RecipeRow,
  robertalbertConfig,
} from "./config/recipe.ts";
export { type ErrorCode, RobertalbertError } from "./errors.ts";
export { env } from "./hub/env.ts";
export type { LoadOptions, ModelLocation, ProgressEvent } from "./hub/files.ts";
export {
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  AlbertModel,
} from "./model/albert.ts";
export {
  AutoConfig,
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForMultipleChoice,
  AutoModelForPreTraining,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
} from "./model/auto.ts";
export type { TokenScore } from "./model/heads/top-entries.ts";
export type { ModelInputs } from "./model/inputs.ts";
export type { ModelOptions } from "./model/load.ts";
export { AlbertForMaskedLM } from "./model/masked-lm.ts";
export { AlbertForMultipleChoice } from "./model/multiple-choice.ts";
export type { CallOptions, LoadingInfo, ModelOutput } from "./model/pretrained-model.ts";
export {
  type FillMaskOptions,
  type FillMaskOutput,
  FillMaskPipeline,
  type FillMaskResult,
} from "./pipelines/fill-mask.ts";
export { pipeline } from "./pipelines/pipeline.ts";
export type { Build, KernelOptions } from "./runtime/build.ts";
export { type RuntimeInfo, runtimeInfo } from "./runtime/info.ts";
export { Tensor, type TensorType } from "./tensor.ts";
export { AutoTokenizer } from "./tokenizer/auto.ts";
export type { BatchEncoding } from "./tokenizer/batch-encoding.ts";
export type { TokenizerCallOptions } from "./tokenizer/call-options.ts";
export { PreTrainedTokenizer } from "./tokenizer/pretrained-tokenizer.ts";
