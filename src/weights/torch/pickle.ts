// Python pickles, as far as torch.save needs them for a state dict. A machine with a stack and a memo that knows numbers,
// strings, tuples, lists and dicts; names mean only what the caller's two functions make of them. It imports nothing, calls
// nothing, sets no attribute: any other opcode is refused. Opcodes: Lib/pickletools.py of CPython; torch.save writes protocol 2.

/** What the machine asks of its caller, and how it complains. */
export interface PickleHost {
  /** The value that a global name ("collections.OrderedDict") stands for. Throws for names that it does not know. */
  global(name: string): unknown;
  /** The result of REDUCE. Throws when `callee` is not a value of its own that it can apply. */
  reduce(callee: unknown, args: readonly unknown[]): unknown;
  /** What a persistent id refers to. */
  persistent(id: unknown): unknown;
  /** The error for bytes that are no pickle. */
  invalid(message: string): Error;
  /** The error for a pickle that wants what is not done here. */
  refused(message: string): Error;
}

/** The bytes ended before STOP: more of the file may help. */
export class PickleCutShort extends Error {}

/** A state dict of ALBERT takes about 40 a tensor. Bounds time, and memory to some 100 MB whatever the file says. */
const MOST_OPCODES = 1 << 19;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Opcodes that are refused, by name for the message; those of protocols 4 and 5, which torch.save does not write, among them. */
const REFUSED_NAMES: Readonly<Record<number, string>> = {
  48: "POP",
  49: "POP_MARK",
  50: "DUP",
  70: "FLOAT",
  73: "INT",
  76: "LONG",
  80: "PERSID",
  83: "STRING",
  86: "UNICODE",
  66: "BINBYTES",
  67: "SHORT_BINBYTES",
  100: "DICT",
  103: "GET",
  105: "INST",
  108: "LIST",
  111: "OBJ",
  112: "PUT",
  129: "NEWOBJ",
  130: "EXT1",
  131: "EXT2",
  132: "EXT4",
  139: "LONG4",
  140: "SHORT_BINUNICODE",
  141: "BINUNICODE8",
  142: "BINBYTES8",
  143: "EMPTY_SET",
  144: "ADDITEMS",
  145: "FROZENSET",
  146: "NEWOBJ_EX",
  147: "STACK_GLOBAL",
  148: "MEMOIZE",
  149: "FRAME (of pickle protocol 4; 2 is torch.save's own)",
  150: "BYTEARRAY8",
  151: "NEXT_BUFFER",
  152: "READONLY_BUFFER",
};

/**
 * Runs the pickle that starts at byte `start`.
 * @returns its value and the byte behind STOP. Tuples are frozen arrays, lists arrays, dicts Maps, long integers bigint.
 * @throws PickleCutShort, and what `host` makes
 */
export function runPickle(bytes: Uint8Array, start: number, host: PickleHost): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const marks: number[] = [];
  const memo = new Map<number, unknown>();
  let at = start;

  /** Moves over `count` bytes; returns where they start. */
  const skip = (count: number): number => {
    if (count > bytes.length - at) throw new PickleCutShort();
    at += count;
    return at - count;
  };
  const byte = () => bytes[skip(1)]!;
  const uint32 = () => view.getUint32(skip(4), true);
  const text = (length: number): string => {
    const from = skip(length);
    try {
      return utf8.decode(bytes.subarray(from, from + length));
    } catch {
      throw host.invalid(`a string at byte ${from} of its pickle is no UTF-8`);
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw new PickleCutShort();
    const value = text(end - at);
    at++;
    return value;
  };
  const long = (): bigint => {
    const length = byte();
    const from = skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i]!);
    return BigInt.asIntN(8 * length, value);
  };

  const floor = () => marks.at(-1) ?? 0;
  const pop = (): unknown => {
    if (stack.length <= floor()) throw host.invalid(`its pickle takes from an empty stack before byte ${at}`);
    return stack.pop();
  };
  const popToMark = (): unknown[] => {
    const mark = marks.pop();
    if (mark === undefined) throw host.invalid(`its pickle lacks a MARK before byte ${at}`);
    return stack.splice(mark);
  };
  const tuple = (items: unknown[]) => stack.push(Object.freeze(items));
  const append = (items: unknown[]) => {
    const list = pop();
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw host.refused(`APPEND to something that is no list, before byte ${at} of its pickle`);
    for (const item of items) list.push(item);
    stack.push(list);
  };
  const setItems = (items: unknown[]) => {
    const dict = pop();
    if (!(dict instanceof Map) || items.length % 2)
      throw host.refused(`SETITEMS on something that is no dict, before byte ${at} of its pickle`);
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
    stack.push(dict);
  };
  const recall = (index: number) => {
    if (!memo.has(index)) throw host.invalid(`its pickle recalls memo ${index}, which was not stored`);
    stack.push(memo.get(index));
  };
  const remember = (index: number) => {
    const value = pop();
    memo.set(index, value);
    stack.push(value);
  };
  const reduce = () => {
    const args = pop();
    const callee = pop();
    if (!Array.isArray(args) || !Object.isFrozen(args))
      throw host.refused(`REDUCE without a tuple of arguments, before byte ${at} of its pickle`);
    stack.push(host.reduce(callee, args));
  };
  /** State of an OrderedDict (its _metadata) says nothing of weights; anything else has none. */
  const build = () => {
    const state = pop();
    const target = pop();
    if (!(target instanceof Map) || !(state instanceof Map))
      throw host.refused(`BUILD on something that is no OrderedDict, before byte ${at} of its pickle`);
    stack.push(target);
  };

  for (let count = 0; count < MOST_OPCODES; count++) {
    const opcode = byte();
    switch (opcode) {
      case 0x80: // PROTO
        skip(1);
        break;
      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(skip(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(byte());
        break;
      case 0x4d: // BININT2
        stack.push(view.getUint16(skip(2), true));
        break;
      case 0x8a: // LONG1
        stack.push(long());
        break;
      case 0x47: // BINFLOAT, big-endian
        stack.push(view.getFloat64(skip(8), false));
        break;
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING, which Python 2 wrote
        stack.push(text(uint32()));
        break;
      case 0x55: // SHORT_BINSTRING, the same
        stack.push(text(byte()));
        break;
      case 0x29: // EMPTY_TUPLE
        tuple([]);
        break;
      case 0x85: // TUPLE1
        tuple([pop()]);
        break;
      case 0x86: // TUPLE2
        tuple([pop(), pop()].reverse());
        break;
      case 0x87: // TUPLE3
        tuple([pop(), pop(), pop()].reverse());
        break;
      case 0x74: // TUPLE
        tuple(popToMark());
        break;
      case 0x5d: // EMPTY_LIST
        stack.push([]);
        break;
      case 0x61: // APPEND
        append([pop()]);
        break;
      case 0x65: // APPENDS
        append(popToMark());
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new Map());
        break;
      case 0x73: // SETITEM
        setItems([pop(), pop()].reverse());
        break;
      case 0x75: // SETITEMS
        setItems(popToMark());
        break;
      case 0x71: // BINPUT
        remember(byte());
        break;
      case 0x72: // LONG_BINPUT
        remember(uint32());
        break;
      case 0x68: // BINGET
        recall(byte());
        break;
      case 0x6a: // LONG_BINGET
        recall(uint32());
        break;
      case 0x63: // GLOBAL
        stack.push(host.global(`${line()}.${line()}`));
        break;
      case 0x52: // REDUCE
        reduce();
        break;
      case 0x62: // BUILD
        build();
        break;
      case 0x51: // BINPERSID
        stack.push(host.persistent(pop()));
        break;
      default: {
        const name = REFUSED_NAMES[opcode];
        if (name === undefined) throw host.invalid(`byte ${at - 1} of its pickle is ${opcode}, which is no opcode`);
        throw host.refused(`opcode ${name} at byte ${at - 1} of its pickle`);
      }
    }
  }
  throw host.refused(`more than ${MOST_OPCODES} opcodes`);
}
