// The program in workerd: a configuration with all modules, a server on the loopback, one request.
import { spawn } from "node:child_process";
import { copyFile, cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = join(root, "test/engines");

/**
 * @param {string} workerd the program
 * @param {string} fullSize the converted full-size folder
 * @param {string} folder an empty one to work in
 * @returns {Promise<unknown>} what allHashes gives
 */
export async function runInWorkerd(workerd, fullSize, folder) {
  await writeConfiguration(folder, fullSize);
  const server = spawn(workerd, ["serve", "--socket-addr", "http=127.0.0.1:0", "--control-fd", "3", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const ended = new Promise((_, reject) => {
    server.on("error", reject);
    server.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  });
  try {
    const port = await Promise.race([listeningPort(server.stdio[3]), ended]);
    const response = await Promise.race([fetch(`http://127.0.0.1:${port}/`), ended]);
    const text = await response.text();
    if (!response.ok) throw new Error(text);
    return JSON.parse(text);
  } finally {
    ended.catch(() => undefined);
    server.kill();
  }
}

/** Its lines of JSON say when the socket listens, and where. */
async function listeningPort(control) {
  let text = "";
  for await (const chunk of control) {
    text += chunk;
    const match = /"socket":"http","port":(\d+)/.exec(text);
    if (match) return Number(match[1]);
  }
  throw new Error(`workerd opened no socket: ${text}`);
}

async function writeConfiguration(folder, fullSize) {
  await mkdir(join(folder, "fill-mask"));
  await mkdir(join(folder, "full-size"));
  await cp(join(root, "dist"), join(folder, "dist"), { recursive: true });
  const copies = [
    [join(here, "worker.mjs"), "worker.mjs"],
    [join(here, "program.mjs"), "program.mjs"],
    ...["config.json", "model.safetensors"].map((name) => [join(root, "models/fill-mask", name), `fill-mask/${name}`]),
    ...["config.json", "model.q8.safetensors"].map((name) => [join(fullSize, name), `full-size/${name}`]),
  ];
  for (const [from, to] of copies) await copyFile(from, join(folder, to));
  await copyFile(fileURLToPath(import.meta.resolve("@assemblyscript/loader")), join(folder, "loader.js"));

  const scripts = (await readdir(join(folder, "dist"), { recursive: true })).filter((name) => name.endsWith(".js"));
  const modules = [
    ["worker.mjs", "esModule"],
    ["program.mjs", "esModule"],
    ...scripts.map((name) => [`dist/${name}`, "esModule"]),
    ...["simd", "relaxed"].map((build) => [`dist/${build}.wasm`, "wasm"]),
    ...copies.slice(2).map(([, to]) => [to, "data"]),
  ].map(([name, kind]) => `(name = "${name}", ${kind} = embed "${name}")`);
  // A bare name is looked up beside the module that imports it.
  modules.push(`(name = "dist/runtime/@assemblyscript/loader", esModule = embed "loader.js")`);
  await writeFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(",\n    ")}],
  compatibilityDate = "2026-01-01",
);
`,
  );
}
