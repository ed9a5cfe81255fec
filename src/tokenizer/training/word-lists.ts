// Lists of words, in one pool of linked nodes: there are millions of them, most of one or two words.
import { withRoom } from "./grow.ts";
import { NONE } from "./pair-table.ts";

export class WordLists {
  /** Two places a node: a word, and the next node or NONE. */
  private nodes = new Int32Array(1 << 13);
  private size = 0;
  /** Nodes that were given back. */
  private free = NONE;

  /** The list with the word in front, unless it stands there already. @throws OUT_OF_MEMORY */
  with(list: number, word: number): number {
    if (list !== NONE && this.nodes[list] === word) return list;
    let node = this.free;
    if (node === NONE) {
      node = this.size;
      this.size += 2;
      this.nodes = withRoom(this.nodes, this.size);
    } else this.free = this.nodes[node + 1]!;
    this.nodes[node] = word;
    this.nodes[node + 1] = list;
    return node;
  }

  word(list: number): number {
    return this.nodes[list]!;
  }

  /** The rest of the list; its first node is given back. */
  rest(list: number): number {
    const rest = this.nodes[list + 1]!;
    this.nodes[list + 1] = this.free;
    this.free = list;
    return rest;
  }
}
