// ../shared: golden data that lies beside the repository in this project's workplace and in CI; a user's clone has none.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const path = fileURLToPath(new URL("../../../shared/", import.meta.url));

/** The folder's path with a slash at the end; undefined where it is absent. */
export const sharedDir: string | undefined = existsSync(path) ? path : undefined;

/** A suite that needs ../shared: skipped with its name where that is absent, but failed in CI, where it must run. */
export function describeShared(name: string, suite: (shared: string) => void): void {
  if (sharedDir !== undefined) describe(name, () => suite(sharedDir));
  else if (process.env.CI) it(name, () => Promise.reject(new Error(`${path} is absent, and in CI this must run`)));
  else describe.skip(`${name} (skipped: needs ${path})`, () => it("needs ../shared", () => undefined));
}
