// Policy documents as Vault keeps them: the text as it was written, without the blanks between its parts.

/** The document without blanks outside its strings; undefined when it is no JSON. */
export function compactJson(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (part) => (part.startsWith('"') ? part : ''));
}
