// Test-only builds whose byte dot is written out in plain wasm (assembly/simd.ts), so that each form of the int8 kernels runs here.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

/** The value of EMULATED_DOT for each. */
const EMULATED = { unsigned: 1, signed: 2 } as const;
export type EmulatedForm = keyof typeof EMULATED;

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * The simd build, but with a byte dot that reads its second operand as the form says. Compiled once for all test files
 * (measured: 5 s) and kept in the temporary folder under a hash of all that goes into it.
 */
export async function emulatedDotModule(form: EmulatedForm): Promise<WebAssembly.Module> {
  const config = readFileSync(join(root, "asconfig.json"), "utf8")
    .replace("EMULATED_DOT=0", `EMULATED_DOT=${EMULATED[form]}`)
    .replace('"converge": true', '"converge": false');
  const hash = createHash("sha256").update(config).update(asc.version);
  for (const name of readdirSync(join(root, "assembly")).sort()) {
    hash.update(name).update(readFileSync(join(root, "assembly", name)));
  }
  const folder = join(tmpdir(), "robertalbert-emulated-dot");
  const file = join(folder, `${form}-${hash.digest("hex").slice(0, 16)}.wasm`);
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch {
    const bytes = await compile(config);
    const module = new WebAssembly.Module(bytes as BufferSource);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${file}.${process.pid}`, bytes);
    renameSync(`${file}.${process.pid}`, file); // whole or not at all: other test files look for it too
    return module;
  }
}

async function compile(config: string): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(["--config", "asconfig.json", "--target", "simd"], {
    readFile: (name, folder) => {
      if (name === "asconfig.json") return config;
      try {
        return readFileSync(join(root, folder, name), "utf8");
      } catch {
        return null; // the compiler asks for files that may not be there
      }
    },
    writeFile: (_, contents) => {
      bytes = contents as Uint8Array;
    },
    listFiles: () => null,
  });
  if (error || bytes === undefined) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  return bytes;
}
