// AutoTokenizer: from a folder or its files to a tokenizer.
import type { LoadOptions, ModelLocation } from "../hub/files.ts";
import { openSource } from "../hub/open.ts";
import { PreTrainedTokenizer } from "./pretrained-tokenizer.ts";
import { readDefinition } from "./read-definition.ts";

export const AutoTokenizer = {
  /**
   * Loads tokenizer.json, or vocab.json and merges.txt, with the names from tokenizer_config.json and special_tokens_map.json.
   * @param options.add_prefix_space overrides what the files say
   * @throws FILE_NOT_FOUND, FILE_INVALID, TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED, ABORTED
   */
  async from_pretrained(
    location: ModelLocation,
    options: LoadOptions & { add_prefix_space?: boolean } = {},
  ): Promise<PreTrainedTokenizer> {
    return new PreTrainedTokenizer(await readDefinition(await openSource(location, options), options.add_prefix_space));
  },
};
