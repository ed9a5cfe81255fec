// npm run build: both wasm builds (asconfig.json) and the TypeScript → dist/. Plain JavaScript: it runs before anything is built.
import { execFile } from "node:child_process";
import { chmod, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildInputs, markBuilt } from "./up-to-date.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** The script behind a package's command. */
function binary(packageName, command) {
  const path = require.resolve(`${packageName}/package.json`);
  return join(dirname(path), require(path).bin[command]);
}

function run(label, script, args) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, ...args], { cwd: root }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${label} failed:\n${stdout}${stderr}`));
      else resolve();
    });
  });
}

try {
  const inputs = buildInputs(root);
  await rm(join(root, "dist"), { recursive: true, force: true });
  const asc = binary("assemblyscript", "asc");
  await Promise.all([
    run("asc (simd)", asc, ["--config", "asconfig.json", "--target", "simd"]),
    run("asc (relaxed)", asc, ["--config", "asconfig.json", "--target", "relaxed"]),
    run("tsc", binary("typescript", "tsc"), ["-p", "tsconfig.json"]),
  ]);
  await chmod(join(root, "dist/cli/main.js"), 0o755);
  markBuilt(root, inputs);
} catch (error) {
  process.stderr.write(`build: ${error.message}\n`);
  process.exitCode = 1;
}
