// Turns of the event loop: after every so much work, by whatever the runtime has for it.
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { nextTurn, WorkMeter } from "../src/turn.ts";

it("a turn lets timers and I/O in, a promise alone does not", async () => {
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  await Promise.resolve();
  expect(turned).toBe(false);
  await nextTurn();
  expect(turned).toBe(true);
});

it("the meter waits once enough work has come together, and starts anew", async () => {
  const work = new WorkMeter();
  const isTurn = async (flops: number) => {
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    await work.count(flops);
    return turned;
  };
  expect(await isTurn(1.5e9)).toBe(false);
  expect(await isTurn(0.6e9)).toBe(true);
  expect(await isTurn(1.5e9)).toBe(false);
  expect(await isTurn(7e9)).toBe(true);
});

it("works where there is no setImmediate, as in browsers and Workers, for several that wait at once", () => {
  // In a process of its own: the message channel that is used then lives as long as the process.
  const program = `
    delete globalThis.setImmediate;
    const { nextTurn } = await import(${JSON.stringify(new URL("../dist/turn.js", import.meta.url).href)});
    let turned = 0;
    const other = new MessageChannel();
    other.port1.onmessage = () => turned++;
    const counts = await Promise.all([1, 2, 3].map(async () => {
      for (let i = 0; i < 20; i++) { other.port2.postMessage(0); await nextTurn(); }
      return turned;
    }));
    console.log(Math.min(...counts) > 0 ? "alive" : "blocked");
    process.exit();
  `;
  expect(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })).toBe("alive\n");
});
