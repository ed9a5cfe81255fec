// Stands for folder.ts and cache-folder.ts in bundles for browsers and Workers (package.json, "browser"): loading it fails, which
// open.ts and hub.ts take for "there is no file system here".
import { RobertalbertError } from "../errors.ts";

throw new RobertalbertError("FILE_NOT_FOUND", "this runtime has no folders: pass a URL, or the files themselves");
