// One line of what `check` finds.
export interface Finding {
  about: "config" | "tokenizer" | "weights" | "positions";
  /** "warning": training and running work, but look at it. */
  status: "ok" | "warning" | "failed";
  message: string;
  /** What to do; absent where all is well, or the message says it. */
  advice?: string;
}
