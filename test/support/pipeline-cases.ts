// Reads the pipelines' golden cases (test/golden/pipelines.py): models, calls and what Transformers' own pipelines give.
import { readdirSync, readFileSync } from "node:fs";

export interface PipelineCall {
  input: unknown;
  options: Record<string, unknown>;
  expected: unknown;
}

export interface PipelineCase {
  task: string;
  folder: string;
  /** What differs from the folder's config.json. */
  config: Record<string, unknown>;
  calls: PipelineCall[];
}

const root = new URL("../golden/pipelines/", import.meta.url);

export function pipelineCases(task: string): PipelineCase[] {
  const { cases } = JSON.parse(readFileSync(new URL("cases.json", root), "utf8")) as { cases: PipelineCase[] };
  return cases.filter((c) => c.task === task);
}

/** The files of a golden model with its tokenizer's. */
export function pipelineFiles(folder: string, config: Record<string, unknown> = {}): Record<string, Uint8Array> {
  const read = (path: string) => new Uint8Array(readFileSync(new URL(path, root)));
  const own = JSON.parse(readFileSync(new URL(`${folder}/config.json`, root), "utf8")) as { tokenizer: string };
  const names = readdirSync(new URL(`${own.tokenizer}/`, root));
  return {
    ...Object.fromEntries(names.map((name) => [name, read(`${own.tokenizer}/${name}`)])),
    "config.json": new TextEncoder().encode(JSON.stringify({ ...own, ...config })),
    "model.safetensors": read(`${folder}/model.safetensors`),
  };
}

/** Where two results differ: numbers by more than `within`, anything else at all. Undefined when nowhere. */
export function difference(actual: unknown, expected: unknown, within = 1e-5, path = ""): string | undefined {
  if (typeof expected === "number" && typeof actual === "number") {
    // Scores are probabilities; logits (function_to_apply "none") may be greater.
    return Math.abs(actual - expected) <= within * Math.max(1, Math.abs(expected))
      ? undefined
      : `${path}: ${actual}, expected ${expected}`;
  }
  if (typeof expected !== "object" || expected === null || typeof actual !== "object" || actual === null)
    return Object.is(actual, expected)
      ? undefined
      : `${path}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`;
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  for (const key of keys) {
    const found = difference(
      (actual as Record<string, unknown>)[key],
      (expected as Record<string, unknown>)[key],
      within,
      `${path}.${key}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}
