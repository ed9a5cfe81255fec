// GPT-2's alphabet: each byte as one printable character, so that tokens can be written in JSON.

/** The characters of the bytes 0 … 255. Printable Latin-1 stands for itself, the rest follows from U+0100 on. */
export const CHAR_OF_BYTE: readonly string[] = makeAlphabet();

/** The byte of each such character's code, -1 for codes that are none of the alphabet. */
const BYTE_OF_CODE = invert(CHAR_OF_BYTE);

/** The byte that a character of the alphabet stands for, -1 for any other. */
export function byteOfCode(code: number): number {
  return code < BYTE_OF_CODE.length ? BYTE_OF_CODE[code]! : -1;
}

/** The bytes that a token stands for, undefined when one of its characters is none of the alphabet. */
export function bytesOfToken(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfCode(token.charCodeAt(i));
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

function makeAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(isPrintable ? byte : next++);
  });
}

function invert(alphabet: readonly string[]): Int16Array {
  const bytes = new Int16Array(0x200).fill(-1);
  alphabet.forEach((char, byte) => {
    bytes[char.charCodeAt(0)] = byte;
  });
  return bytes;
}
