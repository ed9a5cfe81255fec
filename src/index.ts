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
export {
  type TrainedTokenizer,
  type TrainingProgress,
  type TrainTokenizerOptions,
  trainTokenizer,
} from "./folder/train-tokenizer.ts";
export { env } from "./hub/env.ts";
export type { LoadOptions, ModelLocation, ProgressEvent } from "./hub/files.ts";
export {
  AlbertForPreTraining,
  AlbertForQuestionAnswering,
  AlbertForSequenceClassification,
  AlbertForTokenClassification,
  AlbertModel,
  type AlbertModelOutput,
  type PreTrainingOutput,
  type QuestionAnsweringOutput,
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
export type { CallOptions, LoadingInfo, LogitsOutput, ModelOutput } from "./model/pretrained-model.ts";
export type { AggregationStrategy, Entity, EntityGroup, TokenEntity } from "./pipelines/entities.ts";
export { type FeatureExtractionOptions, FeatureExtractionPipeline } from "./pipelines/feature-extraction.ts";
export {
  type FillMaskOptions,
  type FillMaskOutput,
  FillMaskPipeline,
  type FillMaskResult,
} from "./pipelines/fill-mask.ts";
export { cos_sim, dot, magnitude, mean_pooling, softmax } from "./pipelines/math.ts";
export { type PipelineOf, pipeline, type Task } from "./pipelines/pipeline.ts";
export {
  type Answer,
  type QuestionAnsweringOptions,
  QuestionAnsweringPipeline,
  type QuestionInput,
} from "./pipelines/question-answering.ts";
export { type SearchHit, semantic_search } from "./pipelines/semantic-search.ts";
export {
  type ClassificationInput,
  type LabelScore,
  type RankedDocument,
  type RerankOptions,
  type TextClassificationOptions,
  TextClassificationPipeline,
} from "./pipelines/text-classification.ts";
export type { TextOptions } from "./pipelines/text-pipeline.ts";
export { type TokenClassificationOptions, TokenClassificationPipeline } from "./pipelines/token-classification.ts";
export {
  ZeroShotClassificationPipeline,
  type ZeroShotOptions,
  type ZeroShotResult,
} from "./pipelines/zero-shot-classification.ts";
export type { Build, KernelOptions } from "./runtime/build.ts";
export type { DotForm } from "./runtime/dot.ts";
export { type RuntimeInfo, runtimeInfo } from "./runtime/info.ts";
export { Tensor, type TensorType } from "./tensor.ts";
// transformers.js has a class for each kind; here a tokenizer is what its files say.
export {
  AutoTokenizer,
  AutoTokenizer as AlbertTokenizer,
  AutoTokenizer as RobertaTokenizer,
} from "./tokenizer/auto.ts";
export type { BatchEncoding } from "./tokenizer/batch-encoding.ts";
export type { TokenizerCallOptions } from "./tokenizer/call-options.ts";
export { PreTrainedTokenizer } from "./tokenizer/pretrained-tokenizer.ts";
export type { TrainingText, TrainingTexts } from "./tokenizer/training/count-texts.ts";
