// AutoTokenizer: from a folder or its files to a tokenizer.
import { expectOptions, readFlag } from "../errors.ts";
import type { LoadOptions, ModelLocation } from "../hub/files.ts";
import { openSource } from "../hub/open.ts";
import { PreTrainedTokenizer } from "./pretrained-tokenizer.ts";
import { readDefinition } from "./read-definition.ts";

export const AutoTokenizer = {
  /**
   * Loads tokenizer.json, or vocab.json and merges.txt, with the names from tokenizer_config.json and special_tokens_map.json.
   * @param options.add_prefix_space overrides what the files say
   * @throws FILE_NOT_FOUND, FILE_INVALID, TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED, OPTION_INVALID, ABORTED
   */
  async from_pretrained(
    location: ModelLocation,
    options: LoadOptions & { add_prefix_space?: boolean } = {},
  ): Promise<PreTrainedTokenizer> {
    expectOptions(options);
    const addPrefixSpace = options.add_prefix_space ?? undefined;
    if (addPrefixSpace !== undefined) readFlag(addPrefixSpace, "add_prefix_space");
    return new PreTrainedTokenizer(await readDefinition(await openSource(location, options), addPrefixSpace));
  },
};
