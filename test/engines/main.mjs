// The program on an engine that has files: ENGINE main.mjs FULL_SIZE_FOLDER → its results as JSON.
import * as api from "../../dist/index.js";
import { allHashes } from "./program.mjs";

const [fullSize] = process.argv.slice(2);
const small = new URL("../../models/fill-mask/", import.meta.url);
console.log(JSON.stringify(await allHashes(api, small, fullSize, {})));
