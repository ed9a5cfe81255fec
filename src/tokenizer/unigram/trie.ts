// All pieces of a vocabulary as a tree of code points, its edges in one hash table: a few numbers per node, no objects.

const ROOT = 0;
const NO_PIECE = -1;

export class PieceTrie {
  private nodes = 1;
  /** The piece that ends at each node. */
  private ids = new Int32Array(1024).fill(NO_PIECE);
  // Edge i leads from #parents[i] over #labels[i] to #children[i]; 0 there means that the slot is free, as the root is
  // nobody's child. Never more than half full, so that a search soon meets a free slot.
  private parents = new Int32Array(1024);
  private labels = new Int32Array(1024);
  private children = new Int32Array(1024);

  /** Adds one piece. */
  add(codePoints: Int32Array, id: number): void {
    let node = ROOT;
    for (const codePoint of codePoints) {
      const slot = this.slot(node, codePoint);
      node = this.children[slot]! || this.addNode(slot, node, codePoint);
    }
    this.ids[node] = id;
  }

  /** The node that `codePoint` leads to from `node` (0 is the root); 0 when there is none. */
  child(node: number, codePoint: number): number {
    return this.children[this.slot(node, codePoint)]!;
  }

  /** The id of the piece that ends at `node`; negative when none does. */
  idAt(node: number): number {
    return this.ids[node]!;
  }

  /** Where the edge is, or the free slot where it would be. */
  private slot(parent: number, label: number): number {
    const mask = this.children.length - 1;
    let slot = (Math.imul(parent, 0x9e3779b1) ^ Math.imul(label, 0x85ebca6b)) >>> 7;
    for (slot &= mask; this.children[slot] !== 0; slot = (slot + 1) & mask) {
      if (this.parents[slot] === parent && this.labels[slot] === label) break;
    }
    return slot;
  }

  private addNode(slot: number, parent: number, label: number): number {
    const node = this.nodes;
    this.nodes += 1;
    this.parents[slot] = parent;
    this.labels[slot] = label;
    this.children[slot] = node;
    if (this.nodes * 2 > this.children.length) this.grow();
    return node;
  }

  private grow(): void {
    const [parents, labels, children, ids] = [this.parents, this.labels, this.children, this.ids];
    const size = children.length * 2;
    this.ids = new Int32Array(size).fill(NO_PIECE);
    this.ids.set(ids);
    this.parents = new Int32Array(size);
    this.labels = new Int32Array(size);
    this.children = new Int32Array(size);
    for (let i = 0; i < children.length; i += 1) {
      if (children[i] === 0) continue;
      const slot = this.slot(parents[i]!, labels[i]!);
      this.parents[slot] = parents[i]!;
      this.labels[slot] = labels[i]!;
      this.children[slot] = children[i]!;
    }
  }
}
