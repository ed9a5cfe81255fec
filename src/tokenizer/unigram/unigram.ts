// ALBERT's own tokenizer as an Algorithm: SentencePiece Unigram, as its checkpoints have it in tokenizer.json.
import type { Algorithm, NormalizedText, TokenDecoder, TokenSink } from "../algorithm.ts";
import { alignText, toNormalizedText } from "./aligned-text.ts";
import { type PieceDecoder, parseDecoder } from "./decoder.ts";
import { UnigramModel } from "./model.ts";
import { type Normalizer, parseNormalizer } from "./normalizers.ts";
import { type PreTokenizer, parsePreTokenizer } from "./pre-tokenizers.ts";

export class Unigram implements Algorithm {
  readonly vocabularySize: number;
  private readonly normalizer: Normalizer;
  private readonly preTokenizer: PreTokenizer;
  private readonly model: UnigramModel;
  private readonly decoder: PieceDecoder;

  /**
   * @param json tokenizer.json with a `model` of type Unigram; `normalizer`, `pre_tokenizer` and `decoder` are read, too
   * @throws TOKENIZER_INVALID naming the field that is wrong
   * @throws TOKENIZER_UNSUPPORTED for normalisers, pre-tokenisers and decoders that ALBERT checkpoints do not have
   */
  constructor(json: Record<string, unknown>) {
    this.normalizer = parseNormalizer(json.normalizer);
    this.preTokenizer = parsePreTokenizer(json.pre_tokenizer);
    this.decoder = parseDecoder(json.decoder);
    this.model = new UnigramModel(json.model);
    this.vocabularySize = this.model.pieces.length;
  }

  tokenToId(token: string): number | undefined {
    return this.model.ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.model.pieces[id];
  }

  holes(): number[] {
    return [];
  }

  normalize(text: string): NormalizedText {
    return toNormalizedText(this.normalizer(alignText({ text, starts: undefined, ends: undefined }, 0, text.length)));
  }

  encode(source: NormalizedText, start: number, end: number, isFirst: boolean, sink: TokenSink): void {
    if (start === end) return;
    const aligned = alignText(source, start, end);
    const { text, bounds } = this.preTokenizer({ text: aligned, bounds: [0, aligned.length], isFirst });
    for (let word = 0; word < bounds.length; word += 2) {
      this.model.tokenize(text.codePoints, bounds[word]!, bounds[word + 1]!, (id, from, to) => {
        sink.reserve(1);
        sink.ids[sink.length] = id;
        if (sink.places) {
          sink.places.starts[sink.length] = text.starts[from]!;
          sink.places.ends[sink.length] = text.ends[to - 1]!;
          sink.places.words[sink.length] = sink.nextWord;
          // A piece has ▁, not blanks: nothing to trim.
          sink.places.leads[sink.length] = 0;
          sink.places.trails[sink.length] = 0;
        }
        sink.length += 1;
      });
      sink.nextWord += 1;
      if (sink.length >= sink.limit) return;
    }
  }

  decode(tokens: readonly string[]): string {
    return this.decoder(tokens, false);
  }

  decodeStream(): TokenDecoder {
    let isGoingOn = false;
    return {
      push: (tokens) => {
        const text = this.decoder(tokens, isGoingOn);
        isGoingOn ||= tokens.length > 0;
        return text;
      },
      end: () => {
        isGoingOn = false;
        return "";
      },
    };
  }
}
