// How far long work is: one line on standard error that overwrites itself, where a person looks on.
import type { Io } from "./command.ts";

const INTERVAL_MS = 100;

export interface ProgressLine {
  show(text: string): void;
  clear(): void;
}

export function progressLine(io: Io): ProgressLine {
  let shownAt = 0;
  return {
    show(text) {
      const now = Date.now();
      if (now - shownAt < INTERVAL_MS) return;
      shownAt = now;
      io.overwrite(text);
    },
    clear: () => io.overwrite(""),
  };
}
