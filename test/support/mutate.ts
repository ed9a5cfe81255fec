// Seeded mutations of files, for fuzzing: what a bad disk, a cut download or an attacker does to bytes.
import { concat } from "./bytes.ts";

const INTERESTING = [0, 1, -1, 2, 127, 128, 255, 256, 65535, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1, 2 ** 53, -(2 ** 53)];

/**
 * One to four changes. Most hit the first or last few KB, where the formats keep what describes the rest.
 * @param random uniform in [0, 1)
 */
export function mutate(original: Uint8Array, other: Uint8Array, random: () => number): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(original);
  const below = (n: number) => Math.floor(random() * n);
  const place = () => {
    const where = random();
    const near = Math.min(bytes.length, where < 0.5 ? 64 : 4096);
    if (where < 0.6) return below(near);
    if (where < 0.85) return bytes.length - 1 - below(near);
    return below(bytes.length);
  };
  const changes: (() => void)[] = [
    () => {
      bytes[place()]! ^= 1 << below(8);
    },
    () => {
      bytes[place()] = below(256);
    },
    () => {
      // A number in place of another, in text or in binary.
      const value = INTERESTING[below(INTERESTING.length)]!;
      const at = place();
      if (random() < 0.5) bytes.set(new TextEncoder().encode(String(value)).subarray(0, bytes.length - at), at);
      else for (let i = 0; i < [1, 2, 4, 8][below(4)]! && at + i < bytes.length; i++) bytes[at + i] = value / 256 ** i;
    },
    () => {
      // Neighbours in the alphabet of the format: opcodes, JSON's own characters, digits.
      const alphabet = '{}[]",:0123456789-.eE()tRbQXqrhju}].cioP\\/\u0000';
      bytes[place()] = alphabet.charCodeAt(below(alphabet.length));
    },
    () => {
      const at = place();
      bytes = concat(bytes.subarray(0, at), bytes.subarray(at + 1 + below(32)));
    },
    () => {
      const at = place();
      bytes = concat(bytes.subarray(0, at), bytes.subarray(at, at + 1 + below(64)), bytes.subarray(at));
    },
    () => {
      bytes = bytes.slice(0, place());
    },
    () => {
      const length = 1 + below(64);
      const from = place();
      bytes.copyWithin(place(), from, from + length);
    },
    () => {
      const from = below(other.length);
      const at = place();
      bytes = concat(bytes.subarray(0, at), other.subarray(from, from + 1 + below(64)), bytes.subarray(at));
    },
  ];
  for (let n = 1 + below(4); n > 0 && bytes.length > 0; n--) changes[below(changes.length)]!();
  return bytes;
}
