// The program as a Worker: everything it needs is a module of its configuration (workerd.mjs).

import * as api from "./dist/index.js";
import relaxed from "./dist/relaxed.wasm";
import simd from "./dist/simd.wasm";
import smallConfig from "./fill-mask/config.json";
import smallWeights from "./fill-mask/model.safetensors";
import fullConfig from "./full-size/config.json";
import fullWeights from "./full-size/model.q8.safetensors";
import { allHashes } from "./program.mjs";

const small = { "config.json": smallConfig, "model.safetensors": smallWeights };
const full = { "config.json": fullConfig, "model.q8.safetensors": fullWeights };

export default {
  async fetch() {
    try {
      return Response.json(await allHashes(api, small, full, { simd, relaxed }));
    } catch (error) {
      return new Response(`${error}\n${error.stack}`, { status: 500 });
    }
  },
};
