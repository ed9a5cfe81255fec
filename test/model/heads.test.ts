// Heads: what the golden cases do not show. Absent heads, absent poolers, choices of unequal number, labels that do not fit.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  AutoModel,
  AutoModelForMultipleChoice,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
} from "../../src/model/auto.ts";
import { Tensor } from "../../src/tensor.ts";
import { describeShared } from "../support/shared.ts";

describeShared("heads", (shared) => {
  const models = `${shared}golden/models/`;
  const files = (name: string, config: object = {}) => ({
    "config.json": new TextEncoder().encode(
      JSON.stringify({ ...JSON.parse(readFileSync(`${models}${name}/config.json`, "utf8")), ...config }),
    ),
    "model.safetensors": new Uint8Array(readFileSync(`${models}${name}/model.safetensors`)),
  });

  it("without its head a class is an error that names what is missing and the way out", async () => {
    await expect(
      AutoModelForSequenceClassification.from_pretrained(`${models}format-base-read-by-heads`),
    ).rejects.toMatchObject({
      code: "TENSOR_MISSING",
      message: expect.stringMatching(/classifier\.bias, classifier\.weight.*allow_missing/),
    });
  });

  it("allow_missing: the class loads, reports what is missing, and gives no outputs of that head", async () => {
    const model = await AutoModelForSequenceClassification.from_pretrained(`${models}format-base-read-by-heads`, {
      allow_missing: true,
    });
    expect(model.loading_info.missing_keys).toEqual(["classifier.bias", "classifier.weight"]);
    const output = await model({ input_ids: [[1, 2, 3]] }, { output_hidden_states: true });
    expect(Object.keys(output)).toEqual(["hidden_states"]);
  });

  it("a base model may lack its pooler, a classifier that reads it may not", async () => {
    const folder = `${models}head-MaskedLM`;
    const base = await AutoModel.from_pretrained(folder);
    expect(Object.keys(await base({ input_ids: [[1, 2, 3]] }))).toEqual(["last_hidden_state"]);
    await expect(AutoModelForSequenceClassification.from_pretrained(folder)).rejects.toMatchObject({
      code: "TENSOR_MISSING",
      message: expect.stringContaining("albert.pooler.weight"),
    });
  });

  it("labels that do not fit the head's rows, and three labels for question answering", async () => {
    const three = { id2label: { 0: "a", 1: "b", 2: "c" } };
    await expect(
      AutoModelForSequenceClassification.from_pretrained(files("head-SequenceClassification-4", three)),
    ).rejects.toMatchObject({ code: "TENSOR_INVALID", message: expect.stringContaining("shape [4,") });
    await expect(
      AutoModelForQuestionAnswering.from_pretrained(files("head-QuestionAnswering", three)),
    ).rejects.toMatchObject({ code: expect.stringMatching(/CONFIG_INVALID|TENSOR_INVALID/) });
  });

  it("multiple choice: nested arrays and Tensors alike, unequal choices are refused", async () => {
    const model = await AutoModelForMultipleChoice.from_pretrained(`${models}head-MultipleChoice`);
    const nested = [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [
        [7, 8, 9],
        [1, 1, 1],
      ],
    ];
    const a = (await model({ input_ids: nested })).logits as Tensor;
    const flat = new Tensor("int32", nested.flat(2), [2, 2, 3]);
    const b = (
      await model({ input_ids: flat, attention_mask: new Tensor("int32", new Int32Array(12).fill(1), [2, 2, 3]) })
    ).logits as Tensor;
    expect(a.dims).toEqual([2, 2]);
    expect(b.data).toEqual(a.data);
    const refused = { code: "INPUT_INVALID" };
    await expect(
      model({
        input_ids: [
          [
            [1, 2],
            [3, 4],
          ],
          [[5, 6]],
        ],
      }),
    ).rejects.toMatchObject(refused);
    await expect(model({ input_ids: [[1, 2, 3]] })).rejects.toMatchObject(refused);
    await expect(model({ input_ids: flat, attention_mask: [[[1], [1], [1]]] })).rejects.toMatchObject(refused);
    await expect(model({})).rejects.toMatchObject(refused);
  });
});
