// From pieces back to text.
import { expectObject, unsupported } from "./json.ts";
import { parseMetaspace } from "./pre-tokenizers.ts";

/** @param isGoingOn whether other tokens came before these */
export type PieceDecoder = (tokens: readonly string[], isGoingOn: boolean) => string;

/**
 * @param json the `decoder` of tokenizer.json: a Metaspace, or null, which puts a blank between tokens
 * @returns from tokens to text; a ▁ is a blank, but left out in the first token where one is put in front of a text
 * @throws TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED
 */
export function parseDecoder(json: unknown): PieceDecoder {
  if (json === null || json === undefined)
    return (tokens, isGoingOn) => (isGoingOn && tokens.length > 0 ? " " : "") + tokens.join(" ");
  const fields = expectObject(json, "decoder");
  if (fields.type !== "Metaspace") throw unsupported("decoder.type", fields.type, "Metaspace");
  const { replacement, prepend } = parseMetaspace(fields, "decoder");
  const metaspace = String.fromCodePoint(replacement);
  return (tokens, isGoingOn) =>
    tokens
      .map((token, i) => token.replaceAll(metaspace, !isGoingOn && i === 0 && prepend !== "never" ? "" : " "))
      .join("");
}
