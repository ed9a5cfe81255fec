// The weights of each model class: local name → shape. Local names have no "albert." in front of the encoder's.
import type { AlbertConfig } from "../config/config.ts";

export type AlbertClassName =
  | "AlbertModel"
  | "AlbertForMaskedLM"
  | "AlbertForPreTraining"
  | "AlbertForSequenceClassification"
  | "AlbertForTokenClassification"
  | "AlbertForQuestionAnswering"
  | "AlbertForMultipleChoice";

/** Whether a tensor is a matrix that something is multiplied with: these are packed, all others are read as they are. */
export function isMatrix(name: string): boolean {
  return (
    name.endsWith(".weight") && !/(LayerNorm|layer_norm|position_embeddings|token_type_embeddings)\.weight$/.test(name)
  );
}

export type Layout = ReadonlyMap<string, readonly number[]>;

/** Whether the class computes the pooler (Transformers: add_pooling_layer). */
const HAS_POOLER: Record<AlbertClassName, boolean> = {
  AlbertModel: true,
  AlbertForMaskedLM: false,
  AlbertForPreTraining: true,
  AlbertForSequenceClassification: true,
  AlbertForTokenClassification: false,
  AlbertForQuestionAnswering: false,
  AlbertForMultipleChoice: true,
};

/** Whether `architectures` of a config.json names a class that this package has. */
export function isAlbertClass(name: string): name is AlbertClassName {
  return Object.hasOwn(HAS_POOLER, name);
}

/** What the encoder with its embeddings needs, pooler included where the class has one. */
export function encoderLayout(className: AlbertClassName, config: AlbertConfig): Layout {
  const { vocab_size: V, embedding_size: E, hidden_size: H, intermediate_size: F } = config;
  const layout = new Map<string, readonly number[]>([
    ["embeddings.word_embeddings.weight", [V, E]],
    ["embeddings.position_embeddings.weight", [config.max_position_embeddings, E]],
    ["embeddings.token_type_embeddings.weight", [config.type_vocab_size, E]],
    ...layerNorm("embeddings.LayerNorm", E),
    ...linear("encoder.embedding_hidden_mapping_in", H, E),
  ]);
  const add = (entries: Entries) => {
    for (const [name, shape] of entries) layout.set(name, shape);
  };
  for (let group = 0; group < config.num_hidden_groups; group++) {
    for (let inner = 0; inner < config.inner_group_num; inner++) {
      const layer = `encoder.albert_layer_groups.${group}.albert_layers.${inner}`;
      for (const name of ["query", "key", "value", "dense"]) add(linear(`${layer}.attention.${name}`, H, H));
      add(layerNorm(`${layer}.attention.LayerNorm`, H));
      add(linear(`${layer}.ffn`, F, H));
      add(linear(`${layer}.ffn_output`, H, F));
      add(layerNorm(`${layer}.full_layer_layer_norm`, H));
    }
  }
  if (HAS_POOLER[className]) add(linear("pooler", H, H));
  return layout;
}

/** What the class has on top of the encoder. */
export function headLayout(className: AlbertClassName, config: AlbertConfig): Layout {
  const { vocab_size: V, embedding_size: E, hidden_size: H, num_labels: L } = config;
  const maskedLm: Entries = [
    ["predictions.bias", [V]],
    ...linear("predictions.dense", E, H),
    ...layerNorm("predictions.LayerNorm", E),
    ...linear("predictions.decoder", V, E),
  ];
  const heads: Record<AlbertClassName, Entries> = {
    AlbertModel: [],
    AlbertForMaskedLM: maskedLm,
    AlbertForPreTraining: [...maskedLm, ...linear("sop_classifier.classifier", L, H)],
    AlbertForSequenceClassification: linear("classifier", L, H),
    AlbertForTokenClassification: linear("classifier", L, H),
    AlbertForQuestionAnswering: linear("qa_outputs", L, H),
    AlbertForMultipleChoice: linear("classifier", 1, H),
  };
  return new Map(heads[className]);
}

/** Heads of any class, as far as they are there: what a checkpoint keeps when it is converted for whichever class. */
export function presentHeads(config: AlbertConfig, shapeOf: (name: string) => readonly number[] | undefined): Layout {
  const layout = new Map<string, readonly number[]>();
  for (const className of Object.keys(HAS_POOLER) as AlbertClassName[]) {
    for (const [name, shape] of headLayout(className, config)) {
      const actual = shapeOf(name);
      // Classes differ in the classifier's outputs.
      if (actual && (!layout.has(name) || actual.join() === shape.join())) layout.set(name, shape);
    }
  }
  return layout;
}

type Entries = [string, readonly number[]][];

function linear(name: string, outputs: number, inputs: number): Entries {
  return [
    [`${name}.weight`, [outputs, inputs]],
    [`${name}.bias`, [outputs]],
  ];
}

function layerNorm(name: string, width: number): Entries {
  return [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
}
