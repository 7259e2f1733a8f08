// What the server said when it did not do what was asked. Pure.

export interface Refusal {
  /** Of HTTP; 0 when no answer came. */
  readonly status: number;
  readonly errors: readonly string[];
  readonly hint: string | undefined;
}

export const noAnswer: Refusal = {
  status: 0,
  errors: ['The server does not answer.'],
  hint: 'see whether it runs and whether this device reaches it, then try again',
};

/** The server's texts, and its cure: of the body, or of the header where a 404 carries it. */
export function readRefusal(status: number, body: unknown, hintHeader: string | null): Refusal {
  const { errors, hint } = isRecord(body) ? body : {};
  const texts = Array.isArray(errors) ? errors.filter((one) => typeof one === 'string' && one.trim() !== '') : [];
  const cure = typeof hint === 'string' ? hint : (hintHeader ?? undefined);
  return { status, errors: texts.length > 0 ? texts.map(plain) : [usualText(status)], hint: cure };
}

// Vault joins several errors as Go does: `2 errors occurred:\n\t* one\n\t* two\n\n`.
function plain(text: string): string {
  const parts = /^\d+ errors? occurred:/.test(text) ? text.split('\n\t* ').slice(1) : [text];
  return parts.map((part) => part.trim()).join('; ');
}

function usualText(status: number): string {
  if (status === 403) return 'permission denied';
  if (status === 404) return 'there is nothing at this path';
  return `the server answered ${status}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
