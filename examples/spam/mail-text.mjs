// A mail → the text that the model was trained on: its subject and plain text, on one line, without addresses, links and numbers.

/** Signs that are kept: ASCII, Latin letters with accents, typographic punctuation, €. */
const STRANGE = /[^\x20-\x7e\u00a0-\u024f\u2010-\u2044€]/g;
const MOST_CHARACTERS = 1600;

/**
 * @param {string} mail headers, an empty line, plain text (of a mail in several parts, or encoded in base64, take the text first)
 * @returns {string} what `classify` reads
 */
export function mailText(mail) {
  const normal = mail.replaceAll("\r\n", "\n");
  const end = normal.indexOf("\n\n");
  const headers = end < 0 ? "" : normal.slice(0, end).replace(/\n[ \t]+/g, " ");
  const isMail = /^[\w-]+:/.test(headers);
  const subject = /^subject:[ \t]*(.*)$/im.exec(headers)?.[1] ?? "";
  const text = isMail ? `${subject}. ${normal.slice(end + 2)}` : normal;
  return masked(text).replace(STRANGE, " ").split(/\s+/).filter(Boolean).join(" ").slice(0, MOST_CHARACTERS);
}

function masked(text) {
  return text
    .replace(/[\w.+-]+@[\w.-]+/g, "name@mail")
    .replace(/(?:https?:\/\/|www\.)\S+/g, "link")
    .replace(/\+?\d[\d\s().-]{7,}\d/g, "number")
    .replace(/([^\w\s])\1{3,}/g, "$1$1$1");
}
