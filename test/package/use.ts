// A stranger's program: .ci/run type-checks it against the packed and installed package, and runs it there.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import {
  AutoConfig,
  AutoModel,
  AutoTokenizer,
  type FillMaskResult,
  pipeline,
  RobertalbertError,
  runtimeInfo,
  Tensor,
} from "robertalbert";
import { loadKernels } from "robertalbert/kernels";

const fill = await pipeline("fill-mask");
const [best] = (await fill("The capital of France is <mask>.", { top_k: 1 })) as FillMaskResult[];
assert.equal(best?.token_str, " Paris");
await fill.dispose();

const require = createRequire(import.meta.url);
const folder = new URL("models/fill-mask/", `file://${require.resolve("robertalbert/package.json")}`);
const tokenizer = await AutoTokenizer.from_pretrained(folder);
// Bytes and a module of the exported files, as bundlers and edge runtimes pass them.
for (const build of runtimeInfo().builds) {
  const module = new WebAssembly.Module(await readFile(require.resolve(`robertalbert/${build}.wasm`)));
  const model = await AutoModel.from_pretrained(folder, { module });
  const { last_hidden_state } = await model(tokenizer(["a text", "another, longer text"], { padding: true }));
  assert.equal(model.build, build);
  assert(last_hidden_state instanceof Tensor); // typed without this line too
  assert.deepEqual(
    [last_hidden_state.dims[0], last_hidden_state.dims[2]],
    [2, (await AutoConfig.from_pretrained(folder)).hidden_size],
  );
  await model.dispose();
}
await assert.rejects(
  pipeline("fill-mask", "./nowhere"),
  (error) => error instanceof RobertalbertError && error.code === "FILE_NOT_FOUND",
);
assert.equal(typeof (await loadKernels()).matmul, "function");
console.log(`the package works on Node ${process.version}, builds ${runtimeInfo().builds.join(", ")}`);
