// Gives the event loop a turn after every so much work, so that servers, pages and AbortSignals stay alive.

/** Counted, not timed: clocks stand still in some runtimes. 2 Gflop are about 50 ms on one core. */
const FLOPS_PER_TURN = 2e9;

let channel: MessageChannel | undefined;

/** Resolves when the event loop has had a turn. */
export function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (f: () => void) => unknown };
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else {
      // Not setTimeout: browsers make nested ones wait 4 ms.
      channel ??= new MessageChannel();
      channel.port1.addEventListener("message", () => resolve(), { once: true });
      channel.port1.start();
      channel.port2.postMessage(0);
    }
  });
}

/** One a model, not one a call: many short calls in a row must give turns too. */
export class WorkMeter {
  private flops = 0;

  /** Counts work just done; waits for a turn of the event loop when enough has come together. */
  async count(flops: number): Promise<void> {
    this.flops += flops;
    if (this.flops < FLOPS_PER_TURN) return;
    this.flops = 0;
    await nextTurn();
  }
}
