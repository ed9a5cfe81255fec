// The search example: every paragraph finds itself first; the command prints paragraphs.
import { expect, it } from "vitest";
import { makeIndex, readParagraphs } from "../../examples/search/search.mjs";

it("examples/search: a paragraph of the book finds itself first", async () => {
  const paragraphs = readParagraphs();
  expect(paragraphs).toHaveLength(185);
  const some = paragraphs.slice(60, 84);
  const search = await makeIndex(some);
  for (const i of [0, 7, 23]) {
    const hits = await search(some[i]!, 3);
    expect(hits[0]!.paragraph).toBe(i);
    expect(hits[0]!.score).toBeCloseTo(1, 5);
    expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a));
  }
});
