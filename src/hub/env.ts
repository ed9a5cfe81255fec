// Settings for the whole process, as transformers.js has them; only those that have an effect here.

export const env = {
  /** Where a model named by a relative path is looked for when it is not found from the working directory. */
  localModelPath: "./models/",
};
