// Any other tokenizer.json as an Algorithm: through @huggingface/tokenizers, an optional peer dependency that is loaded only then.
import { RobertalbertError, show } from "../errors.ts";
import type { Algorithm, NormalizedText, TokenDecoder, TokenSink } from "./algorithm.ts";
import type { Json } from "./definition.ts";

type Tokenizer = import("@huggingface/tokenizers").Tokenizer;

/**
 * @param json tokenizer.json, parsed
 * @param config tokenizer_config.json, parsed
 * @param name of where they lie, for messages
 * @throws DEPENDENCY_MISSING when the library is not installed, TOKENIZER_UNSUPPORTED when it does not take the file
 */
export async function loadLibraryAlgorithm(json: Json, config: Json, name: string): Promise<Algorithm> {
  const kind = `a ${show((json.model as Json | undefined)?.type)} model behind a ${show((json.pre_tokenizer as Json | null)?.type)} pre-tokenizer`;
  let library: typeof import("@huggingface/tokenizers");
  try {
    library = await import("@huggingface/tokenizers");
  } catch (cause) {
    throw new RobertalbertError(
      "DEPENDENCY_MISSING",
      `${name}: tokenizer.json has ${kind}, which needs a library beside robertalbert: npm install @huggingface/tokenizers`,
      { cause },
    );
  }
  try {
    return new LibraryAlgorithm(new library.Tokenizer(json, config));
  } catch (cause) {
    throw new RobertalbertError(
      "TOKENIZER_UNSUPPORTED",
      `${name}: tokenizer.json has ${kind}, which neither robertalbert nor @huggingface/tokenizers reads (${(cause as Error).message})`,
      { cause },
    );
  }
}

class LibraryAlgorithm implements Algorithm {
  readonly isOpaque = true;
  readonly vocabularySize: number;
  private readonly tokenizer: Tokenizer;

  constructor(tokenizer: Tokenizer) {
    this.tokenizer = tokenizer;
    let highest = -1;
    for (const id of tokenizer.get_vocab().values()) highest = Math.max(highest, id);
    this.vocabularySize = highest + 1;
  }

  tokenToId(token: string): number | undefined {
    return this.tokenizer.token_to_id(token);
  }

  idToToken(id: number): string | undefined {
    return this.tokenizer.id_to_token(id);
  }

  holes(): number[] {
    return [];
  }

  normalize(text: string): NormalizedText {
    return { text, starts: undefined, ends: undefined };
  }

  encode({ text }: NormalizedText, start: number, end: number, _isFirst: boolean, sink: TokenSink): void {
    const { ids } = this.tokenizer.encode(text.slice(start, end), { add_special_tokens: false });
    sink.append(Int32Array.from(ids), undefined);
  }

  decode(tokens: readonly string[]): string {
    if (tokens.length === 0) return "";
    const ids = tokens.flatMap((token) => this.tokenizer.token_to_id(token) ?? []);
    return this.tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  decodeStream(): TokenDecoder {
    // What the library gives for a token may depend on those before it, so all are decoded each time and the new part is given.
    let all: string[] = [];
    let given = "";
    const next = (text: string) => {
      const added = text.slice(given.length);
      given = text;
      return added;
    };
    return {
      push: (tokens) => {
        all.push(...tokens);
        // A character that is not complete yet shows as U+FFFD at the end.
        return next(this.decode(all).replace(/\ufffd+$/, ""));
      },
      end: () => {
        const rest = next(this.decode(all));
        all = [];
        given = "";
        return rest;
      },
    };
  }
}
