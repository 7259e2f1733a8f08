// Texts in the form in which Vault's language prints a list of errors.

/** `1 error occurred:` and the errors below it; a list of one looks the same. */
export function severalErrors(...errors: readonly string[]): string {
  const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
  return `${count} occurred:\n\t* ${errors.join('\n\t* ')}\n\n`;
}
