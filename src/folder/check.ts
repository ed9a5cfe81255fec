// What one looks at before paying for a training run: config against recipe, tokenizer and weights against config, positions.
import type { AlbertConfig } from "../config/config.ts";
import { describePositions, positionsOf } from "../config/positions.ts";
import { RobertalbertError } from "../errors.ts";
import type { FileSource, ModelLocation } from "../hub/files.ts";
import { openSource, readJson } from "../hub/open.ts";
import { checkConfig } from "./check-config.ts";
import { checkTokenizer } from "./check-tokenizer.ts";
import { checkWeights, type WeightsProgress } from "./check-weights.ts";
import type { Finding } from "./finding.ts";

export interface CheckReport {
  folder: string;
  /** Whether nothing failed. */
  ok: boolean;
  findings: Finding[];
}

/**
 * Reads all of a folder, weights included; nothing is computed with them.
 * @throws FILE_NOT_FOUND when there is no such folder; everything else is a finding
 */
export async function checkFolder(location: ModelLocation, onProgress?: WeightsProgress): Promise<CheckReport> {
  const source = await openSource(location);
  const findings: Finding[] = [];
  const config = await attempt("config", findings, async () => {
    const { config, findings: found } = await checkConfig(source);
    findings.push(...found);
    return config;
  });
  if (config !== undefined) {
    await attempt("tokenizer", findings, async () => findings.push(...(await checkTokenizer(source, config))));
    await attempt("weights", findings, async () => findings.push(...(await checkWeights(source, config, onProgress))));
    await attempt("positions", findings, async () => findings.push(await checkPositions(source, config)));
  }
  return { folder: source.name, ok: findings.every(({ status }) => status !== "failed"), findings };
}

/** What to do about a part that cannot be read at all; the message says what is wrong with it. */
const ADVICE: Readonly<Record<Finding["about"], string>> = {
  config: "mend config.json, or take what `robertalbert config` prints",
  tokenizer: "mend the file, or take all of them anew: `robertalbert init … --tokenizer FOLDER`",
  weights: "take the config.json that they were saved with, or save them again",
  positions: "mend tokenizer_config.json",
};

/** An error of this package is a finding; another one is a defect and goes on. */
async function attempt<T>(
  about: Finding["about"],
  findings: Finding[],
  check: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof RobertalbertError)) throw error;
    // What is not supported says itself what to do.
    const advice = error.code === "FILE_UNSUPPORTED" ? {} : { advice: ADVICE[about] };
    findings.push({ about, status: "failed", message: error.message, ...advice });
    return undefined;
  }
}

async function checkPositions(source: FileSource, config: AlbertConfig): Promise<Finding> {
  const positions = positionsOf(config, await readJson(source, "tokenizer_config.json"));
  if (positions.warning === null) return { about: "positions", status: "ok", message: describePositions(positions) };
  const [message, advice] = positions.warning.split("; ") as [string, string];
  return { about: "positions", status: "warning", message, advice };
}
