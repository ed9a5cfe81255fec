// The weights' part of `check`: every tensor that the model's class needs, in its shape, finite, and none besides.
import type { AlbertConfig } from "../config/config.ts";
import { RobertalbertError } from "../errors.ts";
import type { FileSource } from "../hub/files.ts";
import { isAlbertClass } from "../weights/layout.ts";
import { openModelWeights } from "../weights/model-weights.ts";
import type { Finding } from "./finding.ts";

const about = "weights";
/** Floats looked at in one piece. */
const PIECE_FLOATS = 1 << 20;

/** Called after each piece with the share that has been read, 0 … 1. */
export type WeightsProgress = (share: number) => void;

/** @throws what opening throws (shapes, damaged files): that is the finding then */
export async function checkWeights(
  source: FileSource,
  config: AlbertConfig,
  onProgress?: WeightsProgress,
): Promise<Finding[]> {
  const named = config.architectures[0];
  const className = named !== undefined && isAlbertClass(named) ? named : "AlbertForMaskedLM";
  let weights: Awaited<ReturnType<typeof openModelWeights>>;
  try {
    weights = await openModelWeights(source, className, config);
  } catch (error) {
    if (!(error instanceof RobertalbertError && error.code === "FILE_NOT_FOUND")) throw error;
    const advice = "make them with `robertalbert init … --weights`, or train from the configuration";
    return [{ about, status: "warning", message: "there are no weights yet", advice }];
  }
  try {
    const findings: Finding[] = [];
    const { missing_keys: missing, unexpected_keys: unexpected } = weights;
    if (missing.length > 0) {
      const message = `${className} needs ${missing.join(", ")}: not there`;
      findings.push({
        about,
        status: "failed",
        message,
        advice: "save the model from the class that architectures names",
      });
    }
    if (unexpected.length > 0) {
      const message = `${unexpected.join(", ")}: there, but nothing of ${className}`;
      findings.push({
        about,
        status: "failed",
        message,
        advice: "put the class that they belong to into architectures",
      });
    }
    const total = weights.names.reduce((sum, name) => sum + countOf(weights.shape(name)), 0);
    let done = 0;
    for (const name of weights.names) {
      const shape = weights.shape(name);
      const rowFloats = countOf(shape.slice(1));
      const rowsAtOnce = Math.max(1, Math.floor(PIECE_FLOATS / rowFloats));
      for (let row = 0; row < shape[0]!; row += rowsAtOnce) {
        const count = Math.min(rowsAtOnce, shape[0]! - row);
        try {
          await weights.readRows(name, row, count);
        } catch (error) {
          if (!(error instanceof RobertalbertError && error.code === "TENSOR_INVALID")) throw error;
          const advice = "the run that saved them had diverged, or the file is damaged: go back to an earlier one";
          findings.push({ about, status: "failed", message: error.message, advice });
          break;
        }
        done += count * rowFloats;
        onProgress?.(done / total);
      }
    }
    if (findings.length > 0) return findings;
    const message = `${weights.names.length} tensors of ${className}, ${total.toLocaleString("en")} finite values, none missing, none unexpected`;
    return [{ about, status: "ok", message }];
  } finally {
    await weights.close();
  }
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
