// Which special tokens go around one text or a pair, the token type of each part, and whether offsets leave out blanks
// (tokenizer.json's post_processor).
import { RobertalbertError, show } from "../errors.ts";

/** A special token, or (id undefined) the place of a text: 0 the first, 1 the second. */
export interface TemplatePiece {
  id: number | undefined;
  sequence: 0 | 1;
  typeId: number;
}

export interface Template {
  single: readonly TemplatePiece[];
  pair: readonly TemplatePiece[];
  /** Whether a token's offsets leave out the blanks that it begins or ends with. */
  trimsOffsets: boolean;
}

const text = (sequence: 0 | 1, typeId = 0): TemplatePiece => ({ id: undefined, sequence, typeId });
const special = (id: number, typeId = 0): TemplatePiece => ({ id, sequence: 0, typeId });

/** `<s> A </s>` and `<s> A </s></s> B </s>`, all of type 0, as tokenizers' RobertaProcessing has it. */
export function robertaTemplate(cls: number, sep: number, trimsOffsets: boolean): Template {
  return {
    single: [special(cls), text(0), special(sep)],
    pair: [special(cls), text(0), special(sep), special(sep), text(1), special(sep)],
    trimsOffsets,
  };
}

/** `[CLS] A [SEP]` of type 0 and `[CLS] A [SEP] B [SEP]`, the second text's part of type 1. */
function bertTemplate(cls: number, sep: number): Template {
  const single = [special(cls), text(0), special(sep)];
  return { single, pair: [...single, text(1, 1), special(sep, 1)], trimsOffsets: false };
}

/** The same without special tokens: add_special_tokens false. */
export function withoutSpecials({ single, pair, trimsOffsets }: Template): Template {
  const isText = (piece: TemplatePiece) => piece.id === undefined;
  return { single: single.filter(isText), pair: pair.filter(isText), trimsOffsets };
}

export function countSpecials(pieces: readonly TemplatePiece[]): number {
  return pieces.filter((piece) => piece.id !== undefined).length;
}

/**
 * @param json `post_processor` of tokenizer.json
 * @throws TOKENIZER_UNSUPPORTED for a kind that is not known, TOKENIZER_INVALID for one that is damaged
 */
export function readTemplate(json: unknown): Template {
  const processor = json as
    | {
        type?: string;
        cls?: [string, number];
        sep?: [string, number];
        trim_offsets?: boolean;
        single?: unknown;
        pair?: unknown;
        special_tokens?: Record<string, { ids?: number[] }>;
        processors?: unknown;
      }
    | null
    | undefined;
  const trimsOffsets = processor?.trim_offsets ?? true;
  switch (processor?.type) {
    case undefined:
      return { single: [text(0)], pair: [text(0), text(1)], trimsOffsets: false };
    case "ByteLevel":
      return { single: [text(0)], pair: [text(0), text(1)], trimsOffsets };
    case "RobertaProcessing":
    case "BertProcessing": {
      const [cls, sep] = [processor.cls?.[1], processor.sep?.[1]];
      if (!Number.isInteger(cls) || !Number.isInteger(sep))
        throw invalid(`${processor.type} has cls ${show(processor.cls)} and sep ${show(processor.sep)}`);
      return processor.type === "BertProcessing"
        ? bertTemplate(cls as number, sep as number)
        : robertaTemplate(cls as number, sep as number, trimsOffsets);
    }
    case "Sequence": {
      // One of them puts special tokens in, another may trim offsets.
      const parts = Array.isArray(processor.processors) ? processor.processors.map(readTemplate) : [];
      const wrapping = parts.find(({ single }) => single.length > 1) ?? parts[0];
      if (!wrapping) throw invalid(`Sequence has processors ${show(processor.processors)}, expected a list`);
      return { ...wrapping, trimsOffsets: parts.some((part) => part.trimsOffsets) };
    }
    case "TemplateProcessing": {
      const read = (pieces: unknown) => readPieces(pieces, processor?.special_tokens ?? {});
      return { single: read(processor?.single), pair: read(processor?.pair), trimsOffsets: false };
    }
    default:
      throw new RobertalbertError(
        "TOKENIZER_UNSUPPORTED",
        `tokenizer.json: post_processor is ${show(processor?.type)}, expected RobertaProcessing, BertProcessing, TemplateProcessing, ByteLevel, Sequence or null`,
      );
  }
}

function readPieces(pieces: unknown, specials: Record<string, { ids?: number[] }>): TemplatePiece[] {
  if (!Array.isArray(pieces)) throw invalid(`a template is ${show(pieces)}, expected a list`);
  return pieces.flatMap(
    (piece: { SpecialToken?: { id?: string; type_id?: number }; Sequence?: { id?: string; type_id?: number } }) => {
      const { SpecialToken: token, Sequence: sequence } = piece ?? {};
      if (sequence) return [text(sequence.id === "B" ? 1 : 0, sequence.type_id ?? 0)];
      const ids = specials[token?.id ?? ""]?.ids;
      if (!Array.isArray(ids) || !ids.every(Number.isInteger))
        throw invalid(`special token ${show(token?.id)} of the template has no ids`);
      return ids.map((id) => special(id, token?.type_id ?? 0));
    },
  );
}

function invalid(message: string): RobertalbertError {
  return new RobertalbertError("TOKENIZER_INVALID", `tokenizer.json: post_processor: ${message}; fetch the file again`);
}
