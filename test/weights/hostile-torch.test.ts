// torch.save files made to do harm: each must end in one of our errors that names the culprit, soon and without much memory.
import { describe, expect, it } from "vitest";
import { RobertalbertError } from "../../src/errors.ts";
import { memorySource } from "../../src/hub/memory.ts";
import { Checkpoint } from "../../src/weights/checkpoint.ts";
import { concat } from "../support/bytes.ts";
import {
  floats,
  little,
  op,
  pickle,
  stateDictPickle,
  storageId,
  type TorchTensorSpec,
  tensorPickle,
  torchLegacy,
  torchZip,
  type ZipEntrySpec,
  type ZipLies,
  zip,
} from "../support/torch-files.ts";

const text = (value: string) => new TextEncoder().encode(value);
const four = floats(1, 2, 3, 4);
const good = stateDictPickle([{ name: "a" }]);

async function errorOf(file: Uint8Array): Promise<RobertalbertError> {
  const started = performance.now();
  try {
    const checkpoint = await Checkpoint.open(memorySource({ "pytorch_model.bin": file }));
    for (const entry of checkpoint.entries.values()) await checkpoint.readRows(entry, 0, entry.shape[0] ?? 1);
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(RobertalbertError);
    expect(performance.now() - started).toBeLessThan(5000);
    return error as RobertalbertError;
  }
  throw new Error("the file was read");
}

async function expectError(file: Uint8Array, code: string, message: RegExp): Promise<void> {
  const error = await errorOf(file);
  expect(`${error.code}: ${error.message}`).toMatch(message);
  expect(error.code).toBe(code);
}

/** Puts a pickle into both containers. */
const bothContainers = (data: Uint8Array): [string, Uint8Array][] => [
  ["zip", torchZip(data, { 0: four })],
  ["legacy", torchLegacy(data, [{ key: "0", count: 4, bytes: four }])],
];

describe("pickles that want code to run", () => {
  const command = concat(op.mark, op.text("touch /tmp/owned"), op.tuple);
  const system = op.global("os", "system");
  const attacks: [string, Uint8Array, RegExp][] = [
    ["REDUCE of os.system", pickle(system, command, op.reduce), /GLOBAL "os\.system"/],
    ["REDUCE of posix.system", pickle(op.global("posix", "system"), command, op.reduce), /GLOBAL "posix\.system"/],
    ["builtins.eval", pickle(op.global("builtins", "eval"), command, op.reduce), /GLOBAL "builtins\.eval"/],
    ["Python 2's __builtin__", pickle(op.global("__builtin__", "getattr")), /GLOBAL "__builtin__\.getattr"/],
    ["copy_reg._reconstructor", pickle(op.global("copy_reg", "_reconstructor")), /GLOBAL "copy_reg\._reconstructor"/],
    ["a torch name that loads files", pickle(op.global("torch", "load")), /GLOBAL "torch\.load"/],
    ["a name with dots", pickle(op.global("torch._utils", "os.system")), /GLOBAL "torch\._utils\.os\.system"/],
    ["JavaScript's own names", pickle(op.global("Object", "constructor")), /GLOBAL "Object\.constructor"/],
    ["__proto__", pickle(op.global("__proto__", "__proto__")), /GLOBAL "__proto__\.__proto__"/],
    [
      "an attack among tensors",
      pickle(op.emptyDict, op.mark, op.text("a"), tensorPickle({}), op.text("b"), system),
      /os\.system/,
    ],
    ["STACK_GLOBAL", pickle(op.text("os"), op.text("system"), [0x93], command, op.reduce), /opcode STACK_GLOBAL/],
    ["INST", concat(op.proto, op.mark, op.text("x"), text("ios\nsystem\n"), op.stop), /opcode INST/],
    ["OBJ", pickle(op.mark, system, op.text("x"), [0x6f]), /os\.system/],
    ["OBJ of a known name", pickle(op.mark, op.global("collections", "OrderedDict"), [0x6f]), /opcode OBJ/],
    ["NEWOBJ", pickle(op.global("collections", "OrderedDict"), op.emptyTuple, [0x81]), /opcode NEWOBJ/],
    ["NEWOBJ_EX", pickle(op.emptyTuple, op.emptyDict, [0x92]), /opcode NEWOBJ_EX/],
    ["EXT1", pickle([0x82, 1]), /opcode EXT1/],
    ["EXT2", pickle([0x83, 1, 0]), /opcode EXT2/],
    ["EXT4", pickle([0x84, 1, 0, 0, 0]), /opcode EXT4/],
    ["PERSID", concat(op.proto, text("Pos.system\n"), op.stop), /opcode PERSID/],
    ["protocol 0", text("cos\nsystem\n(S'touch /tmp/owned'\ntR."), /os\.system/],
    ["protocol 4", pickle([0x95, 0, 0, 0, 0, 0, 0, 0, 0]), /opcode FRAME.*protocol 4/],
    ["BUILD on a tensor", pickle(tensorPickle({}), op.emptyDict, op.build), /BUILD/],
    ["BUILD with a foreign state", pickle(op.emptyDict, op.emptyTuple, op.build), /BUILD/],
    ["REDUCE of a string", pickle(op.text("os.system"), op.emptyTuple, op.reduce), /REDUCE of "os\.system"/],
    ["REDUCE of a dict", pickle(op.emptyDict, op.emptyTuple, op.reduce), /REDUCE of/],
    ["REDUCE of a storage type", pickle(op.global("torch", "FloatStorage"), op.emptyTuple, op.reduce), /REDUCE of/],
    ["REDUCE without a tuple", pickle(op.global("collections", "OrderedDict"), op.emptyList, op.reduce), /tuple/],
  ];
  for (const [name, data, message] of attacks) {
    it.each(bothContainers(data))(`${name} (%s)`, (_, file) => expectError(file, "FILE_UNSUPPORTED", message));
  }

  it("every opcode that a state dict has no use for is refused by name, every other byte as none", async () => {
    const known = new Set([...".(NGJKMUTX)t]ae}squrhjcRbQ"].map((c) => c.charCodeAt(0)));
    for (const opcode of [0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a]) known.add(opcode);
    let named = 0;
    for (let opcode = 0; opcode < 256; opcode++) {
      if (known.has(opcode)) continue;
      const { code, message } = await errorOf(torchZip(concat(op.proto, [opcode], new Uint8Array(16)), {}));
      expect(message).toMatch(/opcode/);
      if (code === "FILE_UNSUPPORTED") named++;
      else expect([code, message]).toEqual(["FILE_INVALID", expect.stringContaining(`${opcode}, which is no opcode`)]);
    }
    // pickletools.opcodes of CPython 3.13 has 68.
    expect(named + known.size).toBe(68);
  });
});

describe("pickles that lie", () => {
  const tensor = (spec: Partial<TorchTensorSpec>) => stateDictPickle([{ name: "a", ...spec }]);
  const withId = (id: Uint8Array) =>
    pickle(
      ...[op.emptyDict, op.mark, op.text("a"), op.global("torch._utils", "_rebuild_tensor_v2"), op.mark, id],
      ...[op.int(0), op.mark, op.int(4), op.tuple, op.mark, op.int(1), op.tuple, op.tuple, op.reduce, op.setItems],
    );
  const lies: [string, string, Uint8Array, RegExp][] = [
    ["no value", "FILE_INVALID", pickle(), /empty stack/],
    ["no STOP", "FILE_INVALID", concat(op.proto, op.emptyDict), /ends before STOP|opcode|begin/],
    ["a MARK that is missing", "FILE_INVALID", pickle(op.emptyDict, op.setItems), /MARK/],
    ["a pop below a MARK", "FILE_INVALID", pickle(op.emptyDict, op.mark, [0x85]), /empty stack/],
    ["a memo that was not stored", "FILE_INVALID", pickle(op.get(9)), /memo 9/],
    ["a string of 4 GB", "FILE_INVALID", concat(op.proto, [0x58, 255, 255, 255, 255, 97]), /ends before STOP/],
    ["a string that is no UTF-8", "FILE_INVALID", pickle([0x58, 1, 0, 0, 0, 255]), /UTF-8/],
    ["no dict", "FILE_UNSUPPORTED", pickle(op.emptyList), /expected a dict/],
    ["an empty dict", "FILE_UNSUPPORTED", pickle(op.emptyDict), /without tensors/],
    [
      "a wrapped state dict",
      "FILE_UNSUPPORTED",
      pickle(op.emptyDict, op.mark, op.text("state_dict"), op.emptyDict, op.setItems),
      /"state_dict"/,
    ],
    ["a negative stride", "FILE_INVALID", tensor({ strides: [-1], offset: 3 }), /whole numbers from 0 up/],
    ["a negative size", "FILE_INVALID", tensor({ shape: [-4] }), /whole numbers from 0 up/],
    ["a negative offset", "FILE_INVALID", tensor({ offset: -1 }), /whole numbers from 0 up/],
    ["a huge shape", "FILE_INVALID", tensor({ shape: [2 ** 40, 2 ** 40], strides: [0, 0] }), /beyond its storage/],
    ["a huge size", "FILE_INVALID", tensor({ shape: [2 ** 52] }), /beyond its storage/],
    ["a storage shorter than its view", "FILE_INVALID", tensor({ offset: 1 }), /beyond its storage of 4/],
    [
      "strides that leave the storage",
      "FILE_INVALID",
      tensor({ shape: [2, 2], strides: [3, 1] }),
      /beyond its storage/,
    ],
    ["more strides than sizes", "FILE_INVALID", tensor({ strides: [1, 1] }), /as many of one as of the other/],
    ["65 dimensions", "FILE_INVALID", tensor({ shape: Array(65).fill(1), strides: Array(65).fill(1) }), /shape/],
    ["gigabytes out of 16 bytes", "FILE_UNSUPPORTED", tensor({ shape: [2 ** 30], strides: [0] }), /too often/],
    ["a storage longer than its entry", "FILE_INVALID", tensor({ length: 5 }), /has 16 bytes|claims|20/],
    ["a storage of another type than its entry", "FILE_INVALID", tensor({ type: "DoubleStorage" }), /16 bytes|claims/],
    ["a storage that is absent", "FILE_INVALID", tensor({ key: "7" }), /"7".*is not in it/],
    ["a storage key that climbs", "FILE_INVALID", tensor({ key: "../data.pkl" }), /is not in it/],
    ["a type that is unknown", "FILE_UNSUPPORTED", tensor({ type: "ComplexFloatStorage" }), /ComplexFloatStorage/],
    [
      "a persistent id that is no storage",
      "FILE_UNSUPPORTED",
      withId(concat(op.mark, op.text("module"), op.tuple, op.persistent)),
      /persistent id/,
    ],
    [
      "a persistent id that is a string",
      "FILE_UNSUPPORTED",
      withId(concat(op.text("0"), op.persistent)),
      /persistent id/,
    ],
    [
      "a persistent id without a type",
      "FILE_UNSUPPORTED",
      withId(
        concat(
          op.mark,
          op.text("storage"),
          op.text("x"),
          op.text("0"),
          op.text("cpu"),
          op.int(4),
          op.tuple,
          op.persistent,
        ),
      ),
      /persistent id/,
    ],
    [
      "a persistent id of negative length",
      "FILE_UNSUPPORTED",
      withId(storageId("FloatStorage", "0", -4)),
      /persistent id/,
    ],
    ["a tensor of no storage", "FILE_INVALID", withId(op.text("0")), /for its storage/],
    [
      "one storage with two lengths",
      "FILE_INVALID",
      stateDictPickle([{ name: "a" }, { name: "b", length: 2, shape: [2] }]),
      /is 4 values of F32 and also 2/,
    ],
    [
      "one storage with two types",
      "FILE_INVALID",
      stateDictPickle([{ name: "a" }, { name: "b", type: "IntStorage" }]),
      /F32 and also 4 of I32/,
    ],
    [
      "a Parameter of nothing",
      "FILE_INVALID",
      pickle(op.global("torch._utils", "_rebuild_parameter"), op.emptyTuple, op.reduce),
      /Parameter/,
    ],
    [
      "an OrderedDict of no pairs",
      "FILE_INVALID",
      pickle(op.global("collections", "OrderedDict"), op.mark, op.text("x"), op.tuple, op.reduce),
      /list/,
    ],
    ["APPENDS to a tuple", "FILE_UNSUPPORTED", pickle(op.emptyTuple, op.mark, op.int(1), op.appends), /no list/],
    [
      "SETITEMS on a list",
      "FILE_UNSUPPORTED",
      pickle(op.emptyList, op.mark, op.int(1), op.int(1), op.setItems),
      /no dict/,
    ],
    ["a key without a value", "FILE_UNSUPPORTED", pickle(op.emptyDict, op.mark, op.int(1), op.setItems), /no dict/],
    [
      "values that are not finite",
      "TENSOR_INVALID",
      tensor({ type: "HalfStorage", length: 8, offset: 3, shape: [1] }),
      /Infinity/,
    ],
    ["values that are no weights", "TENSOR_INVALID", tensor({ type: "LongStorage", length: 2, shape: [2] }), /I64/],
  ];
  for (const [name, code, data, message] of lies) {
    it(name, async () => {
      const bytes =
        name === "values that are not finite" ? concat(new Uint8Array(6), [0, 0x7c], new Uint8Array(8)) : four;
      await expectError(torchZip(data, { 0: bytes }), code, message);
    });
  }
});

describe("pickles that take time or memory", () => {
  const many = (opcode: readonly number[], count: number) => {
    const out = new Uint8Array(opcode.length * count);
    for (let i = 0; i < count; i++) out.set(opcode, i * opcode.length);
    return out;
  };
  const bombs: [string, Uint8Array][] = [
    ["a million dicts", pickle(many(op.emptyDict, 1e6))],
    ["a million MARKs", pickle(many(op.mark, 1e6))],
    ["tuples in tuples", pickle(op.emptyTuple, many([0x85], 1e6))],
    [
      "billion laughs",
      pickle(
        op.emptyList,
        many(concat(op.put(0), op.emptyList, op.mark, ...Array(9).fill(op.get(0)), op.appends) as never, 4e4),
      ),
    ],
    [
      "one list for many OrderedDicts",
      pickle(
        ...[op.emptyList, op.mark, op.emptyTuple, op.put(1), many(op.get(1), 2e5), op.appends, [0x85], op.put(0)],
        many(concat(op.global("collections", "OrderedDict"), op.get(0), op.reduce) as never, 5e4),
      ),
    ],
    [
      "one long shape for many tensors",
      pickle(
        ...[
          op.mark,
          many(op.int(1) as never, 2e5),
          op.tuple,
          op.put(0),
          op.global("torch._utils", "_rebuild_tensor_v2"),
        ],
        ...[op.put(1), storageId("FloatStorage", "0", 4), op.put(2)],
        many(concat(op.get(1), op.mark, op.get(2), op.int(0), op.get(0), op.get(0), op.tuple, op.reduce) as never, 2e4),
      ),
    ],
  ];
  for (const [name, data] of bombs) {
    it(name, async () => {
      const before = process.memoryUsage();
      const { code } = await errorOf(torchZip(data, { 0: four }));
      const after = process.memoryUsage();
      expect(code).toMatch(/FILE_(INVALID|UNSUPPORTED)/);
      expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(300e6);
    });
  }
});

describe("zips that lie", () => {
  const entries = (change: Partial<ZipEntrySpec> = {}): ZipEntrySpec[] => [
    { name: "m/data.pkl", bytes: good },
    { name: "m/data/0", bytes: four, ...change },
  ];
  const lying = (change: Partial<ZipEntrySpec>, lies: ZipLies = {}) => zip(entries(change), lies);
  const file = lying({});
  const endAt = file.length - 22;
  const locator = (end64At: number) => concat(little(0x07064b50, 4), little(0, 4), little(end64At, 8), little(1, 4));
  const end64 = (count: number, size: number, at: number) =>
    concat(
      little(0x06064b50, 4),
      little(44, 8),
      little(0, 12),
      little(count, 8),
      little(count, 8),
      little(size, 8),
      little(at, 8),
    );
  const directoryAt = new DataView(file.buffer).getUint32(endAt + 16, true);
  const directoryBytes = endAt - directoryAt;
  const zip64 = (count: number, size: number, at: number, end64At = endAt, lies: ZipLies = {}) =>
    zip(entries(), lies, concat(end64(count, size, at), locator(end64At)));

  it("the files that these are made of are right", async () => {
    for (const right of [file, zip64(2, directoryBytes, directoryAt)])
      await Checkpoint.open(memorySource({ "pytorch_model.bin": right }));
  });

  const lies: [string, string, Uint8Array, RegExp][] = [
    ["a deflate bomb", "FILE_UNSUPPORTED", lying({ method: 8, claimedBytes: 2 ** 31 }), /compressed/],
    ["a deflated pickle", "FILE_UNSUPPORTED", zip([{ name: "m/data.pkl", bytes: good, method: 8 }]), /compressed/],
    ["an encrypted entry", "FILE_UNSUPPORTED", lying({ flags: 1 }), /encrypted/],
    [
      "an entry that claims more than there is",
      "FILE_INVALID",
      lying({ claimedBytes: 2 ** 30 }),
      /differ|reaches into/,
    ],
    [
      "an open entry that claims more than there is",
      "FILE_INVALID",
      lying({ flags: 8, claimedBytes: 2 ** 30 }),
      /reaches into|differ/,
    ],
    ["stored sizes that differ", "FILE_INVALID", lying({ claimedStoredBytes: 8 }), /stored but has 8 bytes for 16/],
    ["entries on top of each other", "FILE_INVALID", lying({ claimedOffset: 0 }), /overlaps|differ/],
    ["an entry within another", "FILE_INVALID", lying({ claimedOffset: 45 }), /overlaps/],
    ["an entry that starts nowhere", "FILE_INVALID", lying({ claimedOffset: directoryAt - 10 }), /beyond the data/],
    ["an entry beyond the file", "FILE_INVALID", lying({ claimedOffset: 2 ** 31 }), /beyond the data/],
    ["a header of another name", "FILE_INVALID", lying({ localName: "m/data/1" }), /differ/],
    ["the same name twice", "FILE_INVALID", zip([...entries(), { name: "m/data/0", bytes: four }]), /twice/],
    [
      "two pickles",
      "FILE_INVALID",
      zip([...entries(), { name: "n/data.pkl", bytes: good }]),
      /2 entries NAME\/data\.pkl/,
    ],
    ["no pickle", "FILE_INVALID", zip(entries().slice(1)), /0 entries/],
    ["TorchScript", "FILE_UNSUPPORTED", zip([...entries(), { name: "m/constants.pkl", bytes: good }]), /TorchScript/],
    [
      "big-endian values",
      "FILE_UNSUPPORTED",
      zip([...entries(), { name: "m/byteorder", bytes: text("big") }]),
      /little-endian/,
    ],
    ["a directory beyond the file", "FILE_INVALID", lying({}, { directoryOffset: 2 ** 31 }), /directory claims/],
    ["a directory longer than the file", "FILE_INVALID", lying({}, { directoryBytes: 2 ** 31 }), /directory claims/],
    ["a directory elsewhere", "FILE_INVALID", lying({}, { directoryOffset: 0 }), /directory claims/],
    ["more entries than the directory has", "FILE_INVALID", lying({}, { entries: 3 }), /no entry 2/],
    ["fewer entries than the directory has", "FILE_INVALID", lying({}, { entries: 1 }), /behind its last entry/],
    ["many entries", "FILE_UNSUPPORTED", lying({}, { entries: 65534 }), /65534 entries/],
    ["several disks", "FILE_UNSUPPORTED", lying({}, { disk: 1 }), /several parts/],
    ["no end record", "FILE_INVALID", file.subarray(0, -1), /no end record/],
    ["nothing but its first bytes", "FILE_INVALID", file.subarray(0, 4), /no end record/],
    ["zip64 that contradicts", "FILE_INVALID", zip64(3, directoryBytes, directoryAt), /contradict/],
    [
      "zip64 that points beyond the file",
      "FILE_INVALID",
      zip64(2, directoryBytes, directoryAt, 2 ** 40),
      /not before its locator/,
    ],
    [
      "zip64 that points at nothing",
      "FILE_INVALID",
      zip64(2, directoryBytes, directoryAt, 8),
      /points at no end record/,
    ],
    [
      "zip64 with a directory of 2^60 bytes",
      "FILE_INVALID",
      zip64(2, 2 ** 60, directoryAt, endAt, { directoryBytes: 0xffffffff }),
      /directory claims/,
    ],
    [
      "a saturated size without its zip64 field",
      "FILE_INVALID",
      lying({ claimedBytes: 0xffffffff }),
      /no size or place/,
    ],
  ];
  for (const [name, code, bytes, message] of lies) it(name, () => expectError(bytes, code, message));
});

describe("old files that lie", () => {
  const lies: [string, string, Uint8Array, RegExp][] = [
    ["no magic number", "FILE_INVALID", concat(pickle(op.int(5)), torchLegacy(good, [])), /begin/],
    ["an empty file", "FILE_INVALID", new Uint8Array(0), /./],
    ["a page of HTML", "FILE_INVALID", text("<!doctype html><title>404</title>"), /begins with "<!do"/],
    [
      "a Git LFS pointer",
      "FILE_INVALID",
      text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
      /git lfs pull/,
    ],
    ["a tar file", "FILE_INVALID", concat(text("pytorch_model"), new Uint8Array(1024)), /begins with "pyto"/],
    [
      "a storage that claims 2^62 values",
      "FILE_INVALID",
      torchLegacy(good, [{ key: "0", count: 2n ** 62n, bytes: four }]),
      /claims/,
    ],
    [
      "a storage of another length than its tensor's",
      "FILE_INVALID",
      torchLegacy(good, [{ key: "0", count: 2, bytes: four.subarray(8) }]),
      /has 8 bytes/,
    ],
    [
      "a storage cut short",
      "FILE_INVALID",
      torchLegacy(good, [{ key: "0", count: 4, bytes: four.subarray(1) }]),
      /claims 4 values/,
    ],
    [
      "bytes behind the last storage",
      "FILE_INVALID",
      concat(torchLegacy(good, [{ key: "0", count: 4, bytes: four }]), [0]),
      /storages end/,
    ],
    ["a storage that is not listed", "FILE_INVALID", torchLegacy(good, []), /not in it/],
    [
      "a storage listed twice",
      "FILE_INVALID",
      torchLegacy(good, [
        { key: "0", count: 4, bytes: four },
        { key: "0", count: 4, bytes: four },
      ]),
      /twice/,
    ],
    [
      "a storage that nobody uses",
      "FILE_UNSUPPORTED",
      torchLegacy(good, [{ key: "9", count: 4, bytes: four }]),
      /no tensor uses/,
    ],
  ];
  for (const [name, code, bytes, message] of lies) it(name, () => expectError(bytes, code, message));
});
