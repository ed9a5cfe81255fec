// Which form of the int8 kernels this engine can run: decided by one multiplication, never by a clock or a name.
import { RobertalbertError, show } from "../errors.ts";

/**
 * How int8 sums are made; all give the same bits. `unsigned` and `signed`: by the relaxed byte dot, of an engine that reads the bytes
 * of its second operand as 0 … 255 (x86 with AVX-VNNI) or as -128 … 127 (ARM). `i16`: by 16-bit products, on every engine.
 */
export type DotForm = "unsigned" | "signed" | "i16";

/** In the order of assembly/quantize.ts. */
export const DOT_FORMS: readonly DotForm[] = ["i16", "unsigned", "signed"];

/** Operands of `dotProbe`: the spec leaves open what a byte above 127 means; -128 · 255 also shows sums that saturate at 16 bits. */
export const DOT_PROBE = [-128, 255] as const;

/** Four products of DOT_PROBE summed up exactly. */
const EXACT: Readonly<Record<number, DotForm>> = { [4 * -128 * 255]: "unsigned", [4 * -128 * -1]: "signed" };

/**
 * @param probed what `dotProbe` gave for DOT_PROBE
 * @throws OPTION_INVALID when a form is forced that would be wrong on this engine
 */
export function chooseDot(probed: number, forced?: DotForm): DotForm {
  const best = EXACT[probed] ?? "i16";
  if (forced === undefined || forced === best || forced === "i16") return forced ?? best;
  const is = `dot is ${show(forced)}`;
  if (!DOT_FORMS.includes(forced)) {
    throw new RobertalbertError("OPTION_INVALID", `${is}, expected one of ${DOT_FORMS.join(", ")}`);
  }
  throw new RobertalbertError(
    "OPTION_INVALID",
    `${is}, but on this engine it would be wrong (it gives ${probed} for 4 · -128 · 255): pass "i16", or leave dot out for ${show(best)}`,
  );
}

// (module (func (export "p") (result i32) …)): i32x4.relaxed_dot_i8x16_i7x16_add_s of splats of DOT_PROBE and 0, lane 0.
const PROBE = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 112, 0, 0, 10, 23, 1, 21, 0],
  ...[65, 0x80, 0x7f, 253, 15, 65, 0x7f, 253, 15, 65, 0, 253, 17, 253, 0x93, 2, 253, 27, 0, 11],
]);

/** The form that an engine with the relaxed build allows, without any file; undefined where compiling is forbidden. */
export function probeDot(): DotForm | undefined {
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(PROBE));
    return chooseDot((exports as { p(): number }).p());
  } catch {
    return undefined;
  }
}
