// How much memory a process has held at most, as an expression for programs that run in processes of their own.

/** Not resourceUsage().maxRSS where there is /proc: Linux starts that at the size of the process that made this one. */
export const PEAK_BYTES = `(process.platform === "linux"
  ? 1024 * Number(/VmHWM:\\s+(\\d+)/.exec(process.getBuiltinModule("node:fs").readFileSync("/proc/self/status", "utf8"))[1])
  : 1024 * process.resourceUsage().maxRSS)`;
