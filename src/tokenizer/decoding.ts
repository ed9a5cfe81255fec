// From tokens to text: Transformers' clean-up of blanks.

const CUTS: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** Transformers' clean_up_tokenization: no blanks before punctuation and English contractions. */
export function cleanUp(text: string): string {
  return CUTS.reduce((cleaned, [from, to]) => cleaned.replaceAll(from, to), text);
}
