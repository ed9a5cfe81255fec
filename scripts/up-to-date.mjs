// What of a checkout is up to date: installed packages against the lockfile, dist/ against its sources. However they came to be:
// by `npm start`, or by `npm ci` and `npm run build`.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const BUILD_STAMP = "dist/.inputs";
const BUILD_INPUTS = ["assembly", "src", "asconfig.json", "tsconfig.json", "scripts/build.mjs", "package-lock.json"];

/**
 * Whether all packages of package-lock.json are in node_modules, by the list that npm leaves there when it has installed all.
 * @param {string} root the checkout
 */
export function isInstalled(root) {
  const wanted = packagesIn(join(root, "package-lock.json"));
  const installed = packagesIn(join(root, "node_modules/.package-lock.json"));
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    const found = installed[path];
    if (!found) return path === "" || optional === true; // of another platform
    return found.version === version && found.integrity === integrity;
  });
}

/** @param {string} path of a lockfile @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }> | undefined} */
function packagesIn(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/**
 * Names, sizes and times of all files that a build reads: changes with every edit, costs milliseconds.
 * @param {string} root the checkout
 */
export function buildInputs(root) {
  const lines = [];
  const visit = (path) => {
    const info = statSync(join(root, path));
    if (info.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
    else lines.push(`${path} ${info.size} ${info.mtimeMs}`);
  };
  BUILD_INPUTS.forEach(visit);
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

/** @param {string} root the checkout */
export function isBuilt(root) {
  const stamp = join(root, BUILD_STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === buildInputs(root);
}

/**
 * Says that dist/ is made.
 * @param {string} root the checkout
 * @param {string} inputs `buildInputs` from before the build: what is edited meanwhile is not in it
 */
export function markBuilt(root, inputs) {
  writeFileSync(join(root, BUILD_STAMP), inputs);
}
