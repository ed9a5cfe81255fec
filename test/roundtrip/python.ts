// Python with torch and transformers, which only the round trip needs: where it is, and scripts run in it.
import { spawn, spawnSync } from "node:child_process";
import { finished } from "../support/command.ts";

const NEEDED = ["torch", "transformers", "safetensors"];

/** ROBERTALBERT_PYTHON names an interpreter; else the python3 of PATH. */
export const python = process.env.ROBERTALBERT_PYTHON ?? "python3";

/** Why the round trip cannot run here; undefined where it can. */
export const lacking: string | undefined = findLacking();

function findLacking(): string | undefined {
  const script = `from importlib.util import find_spec; print(*[n for n in ${JSON.stringify(NEEDED)} if not find_spec(n)])`;
  const { status, stdout } = spawnSync(python, ["-c", script], { encoding: "utf8" });
  const advice = "see examples/train/requirements.txt, and set ROBERTALBERT_PYTHON to the Python that has it";
  if (status !== 0) return `there is no ${python}: ${advice}`;
  return stdout.trim() === "" ? undefined : `${python} lacks ${stdout.trim()}: ${advice}`;
}

/** One thread each: the models are tiny, and threads of torch's that wait for each other spin. */
const ENVIRONMENT = { HF_HUB_OFFLINE: "1", OMP_NUM_THREADS: "1", PYTHONUTF8: "1" };

/** Runs a script to its end, offline. Resolves with what it printed; rejects with its standard error when it fails. */
export async function runPython(
  script: string,
  args: readonly string[],
  input: unknown = null,
): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(python, [script, ...args], { env: { ...process.env, ...ENVIRONMENT } });
  const end = finished(child);
  child.stdin.end(JSON.stringify(input));
  const { code, stdout, stderr } = await end;
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${stderr}`);
  return { stdout, stderr };
}
