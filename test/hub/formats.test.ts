// Every checkpoint format out of every kind of source: the same model as out of its folder, bit for bit.
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelLocation } from "../../src/hub/files.ts";
import { AutoModel } from "../../src/model/auto.ts";
import type { Tensor } from "../../src/tensor.ts";
import { sendFile, startServer, type TestServer } from "../support/http-server.ts";
import { describeShared } from "../support/shared.ts";

async function run(location: ModelLocation): Promise<Float32Array> {
  const model = await AutoModel.from_pretrained(location);
  const { last_hidden_state } = await model({ input_ids: [[2, 5, 7, 3, 1]] });
  await model.dispose();
  return (last_hidden_state as Tensor).data as Float32Array;
}

describeShared("formats from anywhere", (shared) => {
  const root = `${shared}golden/models/`;
  const folders = readdirSync(root).filter((name) => name.startsWith("format-"));
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer((request, response) => {
      const path = `${root}${request.url?.slice(1)}`;
      try {
        sendFile(request, response, readFileSync(path));
      } catch {
        response.writeHead(404).end();
      }
    });
  });
  afterAll(() => server.close());

  it("there are the formats of the README", () => expect(folders.length).toBeGreaterThanOrEqual(21));

  describe.each(folders)("%s", (folder) => {
    const names = readdirSync(root + folder).filter((name) => /^(config|model|pytorch_model)/.test(name));
    const read = (name: string) => new Uint8Array(readFileSync(`${root}${folder}/${name}`));
    const all = (wrap: (bytes: Uint8Array<ArrayBuffer>) => Blob | Response | ReadableStream<Uint8Array>) =>
      Object.fromEntries(names.map((name) => [name, wrap(read(name))]));
    const inPieces = (bytes: Uint8Array) => {
      let at = 0;
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          if (at >= bytes.length) return controller.close();
          controller.enqueue(bytes.slice(at, at + 1021));
          at += 1021;
        },
      });
    };

    it("as Blobs, Responses, streams and from a URL", async () => {
      const expected = await run(root + folder);
      expect(expected.every(Number.isFinite)).toBe(true);
      expect(await run(all((bytes) => new Blob([bytes])))).toEqual(expected);
      const sized = (bytes: Uint8Array) => ({ headers: { "content-length": String(bytes.length) } });
      expect(await run(all((bytes) => new Response(inPieces(bytes) as BodyInit, sized(bytes))))).toEqual(expected);
      expect(await run(all(inPieces))).toEqual(expected);
      expect(await run(`${server.url}/${folder}`)).toEqual(expected);
    });
  });
});
