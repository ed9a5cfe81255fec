// GPT-2's alphabet: each byte as one printable character, so that tokens can be written in JSON.

/** The characters of the bytes 0 … 255. Printable Latin-1 stands for itself, the rest follows from U+0100 on. */
export const CHAR_OF_BYTE: readonly string[] = makeAlphabet();

/** The byte of each such character. */
export const BYTE_OF_CHAR: ReadonlyMap<string, number> = new Map(CHAR_OF_BYTE.map((char, byte) => [char, byte]));

function makeAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(isPrintable ? byte : next++);
  });
}
