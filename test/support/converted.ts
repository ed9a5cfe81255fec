// Converted folders in memory.
import type { ModelLocation } from "../../src/hub/files.ts";
import { openSource } from "../../src/hub/open.ts";
import { type ConvertedDtype, convertFolder } from "../../src/model/convert.ts";
import { inMemory } from "./new-folder.ts";

export type Files = Record<string, Uint8Array>;

/** What `robertalbert quantize` or `export` would write. */
export async function converted(location: ModelLocation, dtype: ConvertedDtype): Promise<Files> {
  const conversion = await convertFolder(await openSource(location, {}), dtype);
  try {
    return await inMemory(conversion.files);
  } finally {
    await conversion.close();
  }
}
