// Rows of tokens as a model takes them: the tokens of one or two texts, cut into windows, between their special tokens; padding.
import { RobertalbertError } from "../errors.ts";
import type { TokenPlaces } from "./algorithm.ts";
import { countSpecials, type Template, type TemplatePiece } from "./template.ts";
import { keptLengths, type Truncation, type Window, windows } from "./truncation.ts";

/** The tokens of one text, without special tokens around them. */
export interface Tokens {
  ids: Int32Array;
  places: TokenPlaces | undefined;
}

/** One row; every list has one entry a token. */
export interface Row {
  ids: number[];
  typeIds: number[];
  /** 1 where a token is seen, 0 on padding. */
  attention: number[];
  /** 1 on special tokens that the template put there, and on padding. */
  specials: number[];
  /** UTF-16 units; [0, 0] on special tokens and padding. Filled where the tokens have places, as the next two. */
  offsets: [number, number][];
  /** null on special tokens and padding. */
  words: (number | null)[];
  /** 0 in the first text, 1 in the second, null on special tokens and padding. */
  sequences: (number | null)[];
}

/**
 * The rows of one text or pair: one, or with overflow as many as there are windows.
 * @param addsPrefixSpace whether the first token of a word may begin with a blank that is not in the text
 * @throws OPTION_INVALID when the special tokens alone are too many, or the strategy cannot cut enough
 */
export function makeRows(
  parts: readonly Tokens[],
  template: Template,
  truncation: Truncation | undefined,
  addsPrefixSpace: boolean,
): Row[] {
  const pieces = parts.length === 1 ? template.single : template.pair;
  const trimming = template.trimsOffsets ? { addsPrefixSpace } : undefined;
  if (!truncation) return [assemble(pieces, parts, parts.map(whole), trimming)];
  const specials = countSpecials(pieces);
  const room = truncation.maxLength - specials;
  if (room < 0) {
    throw new RobertalbertError(
      "OPTION_INVALID",
      `max_length is ${truncation.maxLength}, the special tokens alone are ${specials}: raise it, or pass add_special_tokens: false`,
    );
  }
  const kept = keptLengths(parts[0]!.ids.length, parts[1]?.ids.length, room, truncation.strategy);
  const [first, second] = parts.map((part, i) => windows(part.ids.length, kept[i]!, truncation));
  const assembled = (...cut: Window[]) => assemble(pieces, parts, cut, trimming);
  if (!second) return first!.map((a) => assembled(a));
  // In tokenizers' order: after the first row, the first text's further windows with each of the second's.
  const [a0, ...aRest] = first as [Window, ...Window[]];
  const [b0, ...bRest] = second as [Window, ...Window[]];
  return [
    assembled(a0, b0),
    ...aRest.flatMap((a) => second.map((b) => assembled(a, b))),
    ...bRest.map((b) => assembled(a0, b)),
  ];
}

function whole({ ids }: Tokens): Window {
  return { start: 0, end: ids.length };
}

function assemble(
  pieces: readonly TemplatePiece[],
  parts: readonly Tokens[],
  kept: readonly Window[],
  trimming: { addsPrefixSpace: boolean } | undefined,
): Row {
  const row: Row = { ids: [], typeIds: [], attention: [], specials: [], offsets: [], words: [], sequences: [] };
  for (const { id, sequence, typeId } of pieces) {
    if (id === undefined) {
      putText(row, parts[sequence]!, kept[sequence]!, sequence, trimming);
    } else {
      row.ids.push(id);
      row.specials.push(1);
      if (parts[0]!.places) putNowhere(row);
    }
    while (row.typeIds.length < row.ids.length) row.typeIds.push(typeId);
  }
  for (let i = 0; i < row.ids.length; i++) row.attention.push(1);
  return row;
}

function putText(
  row: Row,
  { ids, places }: Tokens,
  { start, end }: Window,
  sequence: 0 | 1,
  trimming: { addsPrefixSpace: boolean } | undefined,
): void {
  for (let i = start; i < end; i++) {
    row.ids.push(ids[i]!);
    row.specials.push(0);
  }
  if (!places) return;
  for (let i = start; i < end; i++) {
    row.offsets.push(
      trimming
        ? trimmedOffsets(places, i, trimming.addsPrefixSpace && (i === start || places.starts[i] === 0))
        : [places.starts[i]!, places.ends[i]!],
    );
    row.words.push(places.words[i]!);
    row.sequences.push(sequence);
  }
}

/**
 * tokenizers' process_offsets: the blanks at both ends of a token are left out. The one blank that add_prefix_space may have
 * put before the text stands for nothing in it, so nothing is left out for it; tokenizers takes the first token of a window
 * and any at the very start for such a one. Behind an added token it does not: there the first letter is left out with it.
 */
function trimmedOffsets(
  { starts, ends, leads, trails }: TokenPlaces,
  i: number,
  mayHavePrefix: boolean,
): [number, number] {
  let start = starts[i]!;
  let end = ends[i]!;
  const lead = leads[i]!;
  const trail = trails[i]!;
  const isOneBlank = lead === 1 || lead < 0;
  if (lead !== 0 && !(isOneBlank && mayHavePrefix)) start = Math.min(start + Math.abs(lead), end);
  if (trail > 0 && end >= trail) end = Math.max(end - trail, start);
  return [start, end];
}

function putNowhere(row: Row): void {
  row.offsets.push([0, 0]);
  row.words.push(null);
  row.sequences.push(null);
}

/** Pads a row in place to `length` tokens; a longer one stays as it is. */
export function padRow(row: Row, length: number, padId: number, side: "left" | "right"): void {
  const missing = length - row.ids.length;
  if (missing <= 0) return;
  const fill = <T>(values: T[], filler: T) => {
    const padding = new Array<T>(missing).fill(filler);
    return side === "left" ? [...padding, ...values] : [...values, ...padding];
  };
  const hasPlaces = row.offsets.length === row.ids.length;
  row.ids = fill(row.ids, padId);
  row.typeIds = fill(row.typeIds, 0);
  row.attention = fill(row.attention, 0);
  row.specials = fill(row.specials, 1);
  if (!hasPlaces) return;
  row.offsets = fill(row.offsets, [0, 0]);
  row.words = fill(row.words, null);
  row.sequences = fill(row.sequences, null);
}
