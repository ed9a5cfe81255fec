import { defineConfig } from "vitest/config";

export default defineConfig({
  // All cores: vitest leaves one free, which of two is half.
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: "100%" },
});
