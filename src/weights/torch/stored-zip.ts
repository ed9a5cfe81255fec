// The directory of a zip whose entries are stored, not compressed, as torch.save writes them (zip64 included), so that each
// is a range of the file. Central directory and local headers must agree and nothing may overlap, before anything is read.
// PKWARE APPNOTE.TXT 6.3, sections 4.3-4.5.
import { show } from "../../errors.ts";
import type { ReadableFile } from "../../hub/files.ts";

/** Where the bytes of an entry lie in the zip. */
export interface StoredEntry {
  offsetBytes: number;
  lengthBytes: number;
}

interface ZipErrors {
  invalid(message: string): Error;
  refused(message: string): Error;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
const MOST_COMMENT_BYTES = 65535;
/** A checkpoint has some 40; each costs a read. */
const MOST_ENTRIES = 16384;
const MOST_DIRECTORY_BYTES = 1 << 24;
/** Flag bits 0, 5, 6 and 13. */
const ENCRYPTED_OR_PATCHED = 0x2061;
const SATURATED_16 = 0xffff;
const SATURATED_32 = 0xffffffff;

interface Directory {
  entries: number;
  offsetBytes: number;
  lengthBytes: number;
}

/** An entry as the central directory has it. */
interface Listed {
  name: string;
  headerOffsetBytes: number;
  lengthBytes: number;
}

/** All entries by name. */
export async function readStoredZip(file: ReadableFile, errors: ZipErrors): Promise<Map<string, StoredEntry>> {
  const directory = await findDirectory(file, errors);
  const listed = await readDirectory(file, directory, errors);
  const found = new Map<string, StoredEntry>();
  let free = 0;
  for (const item of listed.sort((a, b) => a.headerOffsetBytes - b.headerOffsetBytes)) {
    const what = `zip entry ${show(item.name)}`;
    if (item.headerOffsetBytes < free) throw errors.invalid(`${what} overlaps another`);
    const offsetBytes = await readLocalHeader(file, item, directory.offsetBytes, errors);
    free = offsetBytes + item.lengthBytes;
    if (free > directory.offsetBytes)
      throw errors.invalid(`${what} of ${item.lengthBytes} bytes reaches into the zip's directory`);
    if (found.has(item.name)) throw errors.invalid(`${what} is there twice`);
    found.set(item.name, { offsetBytes, lengthBytes: item.lengthBytes });
  }
  return found;
}

async function findDirectory(file: ReadableFile, { invalid, refused }: ZipErrors): Promise<Directory> {
  const tailBytes = Math.min(file.sizeBytes, END_BYTES + MOST_COMMENT_BYTES);
  const tail = viewOf(await file.read(file.sizeBytes - tailBytes, tailBytes));
  let at = tailBytes - END_BYTES;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === 0x06054b50 && at + END_BYTES + tail.getUint16(at + 20, true) === tailBytes)
  )
    at--;
  if (at < 0) throw invalid("it begins as a zip but has no end record: it was cut short");
  const endOffset = file.sizeBytes - tailBytes + at;
  const disks = tail.getUint16(at + 4, true) | tail.getUint16(at + 6, true);
  const here = tail.getUint16(at + 8, true);
  const entries = tail.getUint16(at + 10, true);
  const lengthBytes = tail.getUint32(at + 12, true);
  const offsetBytes = tail.getUint32(at + 16, true);

  let limit = endOffset;
  let found: Directory = { entries, offsetBytes, lengthBytes };
  if (endOffset >= LOCATOR_BYTES) {
    const locator = viewOf(await file.read(endOffset - LOCATOR_BYTES, LOCATOR_BYTES));
    if (locator.getUint32(0, true) === 0x07064b50) {
      limit = number64(locator, 8);
      if (!(limit + END64_BYTES + LOCATOR_BYTES <= endOffset))
        throw invalid("its zip64 end record is not before its locator");
      const end64 = viewOf(await file.read(limit, END64_BYTES));
      if (end64.getUint32(0, true) !== 0x06064b50) throw invalid("its zip64 locator points at no end record");
      found = { entries: number64(end64, 32), lengthBytes: number64(end64, 40), offsetBytes: number64(end64, 48) };
      const agrees = (short: number, long: number, saturated: number) => short === long || short === saturated;
      if (
        !agrees(entries, found.entries, SATURATED_16) ||
        !agrees(lengthBytes, found.lengthBytes, SATURATED_32) ||
        !agrees(offsetBytes, found.offsetBytes, SATURATED_32)
      )
        throw invalid("its two zip end records contradict each other");
    }
  }
  if ((disks !== 0 && disks !== SATURATED_16) || (here !== entries && here !== SATURATED_16))
    throw refused("a zip in several parts");
  if (found.offsetBytes + found.lengthBytes !== limit)
    throw invalid(
      `its zip directory claims bytes ${found.offsetBytes} to ${found.offsetBytes + found.lengthBytes}, expected its end at ${limit}`,
    );
  if (found.entries > MOST_ENTRIES || found.lengthBytes > MOST_DIRECTORY_BYTES)
    throw refused(
      `a zip of ${found.entries} entries, at most ${MOST_ENTRIES} are read (directory: ${MOST_DIRECTORY_BYTES} bytes)`,
    );
  return found;
}

async function readDirectory(file: ReadableFile, directory: Directory, errors: ZipErrors): Promise<Listed[]> {
  const { invalid, refused } = errors;
  const bytes = await file.read(directory.offsetBytes, directory.lengthBytes);
  const view = viewOf(bytes);
  const listed: Listed[] = [];
  let at = 0;
  for (let i = 0; i < directory.entries; i++) {
    if (at + CENTRAL_BYTES > bytes.length || view.getUint32(at, true) !== 0x02014b50)
      throw invalid(`its zip directory has no entry ${i} of ${directory.entries}`);
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const next = at + CENTRAL_BYTES + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > bytes.length) throw invalid(`its zip directory ends within entry ${i}`);
    const name = decode(bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes), errors);
    const extra = new DataView(view.buffer, view.byteOffset + at + CENTRAL_BYTES + nameBytes, extraBytes);
    const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    const [lengthBytes, storedBytes, headerOffsetBytes] = widen(sizes, extra);
    if (lengthBytes === undefined || storedBytes === undefined || headerOffsetBytes === undefined)
      throw invalid(`zip entry ${show(name)} has no size or place`);
    if (view.getUint16(at + 8, true) & ENCRYPTED_OR_PATCHED) throw refused(`zip entry ${show(name)} is encrypted`);
    const method = view.getUint16(at + 10, true);
    if (method !== 0)
      throw refused(`zip entry ${show(name)} is compressed (method ${method}), torch.save stores entries as they are`);
    if (storedBytes !== lengthBytes)
      throw invalid(`zip entry ${show(name)} is stored but has ${storedBytes} bytes for ${lengthBytes}`);
    listed.push({ name, headerOffsetBytes, lengthBytes });
    at = next;
  }
  if (at !== bytes.length) throw invalid("its zip directory has bytes behind its last entry");
  return listed;
}

/** Replaces saturated 32-bit fields by those of the zip64 extra field, which holds only these, in this order. */
function widen(fields: number[], extra: DataView): (number | undefined)[] {
  let at = 0;
  while (at + 4 <= extra.byteLength && extra.getUint16(at, true) !== 1) at += 4 + extra.getUint16(at + 2, true);
  let from = at + 4;
  const end = from <= extra.byteLength ? Math.min(from + extra.getUint16(at + 2, true), extra.byteLength) : 0;
  return fields.map((field) => {
    if (field !== SATURATED_32) return field;
    if (from + 8 > end) return undefined;
    from += 8;
    return number64(extra, from - 8);
  });
}

/** Where the entry's bytes start. */
async function readLocalHeader(file: ReadableFile, item: Listed, limit: number, errors: ZipErrors): Promise<number> {
  const invalid = (message: string) => errors.invalid(`zip entry ${show(item.name)}: ${message}`);
  const at = item.headerOffsetBytes;
  const nameBytes = new TextEncoder().encode(item.name).length;
  if (!(at + LOCAL_BYTES + nameBytes <= limit)) throw invalid(`its header at byte ${at} is beyond the data`);
  const bytes = await file.read(at, LOCAL_BYTES + nameBytes);
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== 0x04034b50) throw invalid(`there is no header at byte ${at}`);
  const sameName = view.getUint16(26, true) === nameBytes && decode(bytes.subarray(LOCAL_BYTES), errors) === item.name;
  const lengthBytes = view.getUint32(22, true);
  // A stream's header cannot know the size: 0 then, and it stands behind the data.
  const isOpen = (view.getUint16(6, true) & 8) !== 0 && lengthBytes === 0;
  const sameLength = isOpen || lengthBytes === item.lengthBytes || lengthBytes === SATURATED_32;
  if (!sameName || !sameLength || view.getUint16(8, true) !== 0)
    throw invalid("its header and the zip's directory differ");
  return at + LOCAL_BYTES + nameBytes + view.getUint16(28, true);
}

function decode(bytes: Uint8Array, { invalid }: ZipErrors): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid("a name in its zip directory is no UTF-8");
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Beyond 2^53 it is rounded, which every bound refuses anyway. */
const number64 = (view: DataView, at: number) => Number(view.getBigUint64(at, true));
