// The list of a folder's files that a command prints when it has written them.

/** @param sizes bytes by file name. @returns lines, each with its end */
export function fileList(sizes: ReadonlyMap<string, number>): string {
  const width = Math.max(...[...sizes.keys()].map((name) => name.length));
  return [...sizes].map(([name, bytes]) => `  ${name.padEnd(width)}  ${byteCount(bytes).padStart(9)}\n`).join("");
}

/** As a person reads it: "12.3 KB". */
export function byteCount(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
