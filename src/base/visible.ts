// Text of others, on its way to a terminal or a log.

// Controls of C0 and C1 but tab and line end (ECMA-48), and what turns the direction of writing (Unicode, UAX #9).
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unseen = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/**
 * `text` with every character that moves the cursor, or the direction of writing, told as `\u001b`: what stands in a file
 * or comes over a wire must not change what a terminal shows beside it. Tabs and line ends stay.
 */
export function visible(text: string): string {
  return text.replace(unseen, (found) => String.raw`\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for what is one line, and stays one: a line of its own could be a command to the log of a CI. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll('\n', String.raw`\n`);
}
