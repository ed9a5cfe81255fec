// Names of files come from index files too, and from servers: none may leave its folder.
import { RobertalbertError, show } from "../errors.ts";

/** @throws FILE_INVALID for anything but a plain name */
export function checkFileName(name: string, where: string): void {
  if (name !== "" && !name.startsWith("..") && name !== "." && !/[/\\\0]/.test(name)) return;
  throw new RobertalbertError("FILE_INVALID", `${where}: file name ${show(name)} does not stay in the folder`);
}
