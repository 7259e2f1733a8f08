// The pages of the sign-in endpoint. SECURITY: everything shown is escaped, nothing is loaded or run, no other site
// frames a page, and no address with a token in it leaves by a Referer.
import { createHash } from 'node:crypto';
import type { HttpResponse } from '../http.ts';

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:4rem auto;padding:0 1rem}dt{font-weight:600}dd{margin:0 0 .75rem;overflow-wrap:anywhere}';

function headers(): Readonly<Record<string, string>> {
  const hash = createHash('sha256').update(style).digest('base64');
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}

export interface PageContent {
  readonly title: string;
  readonly text: string;
  /** Shown as a list of terms. */
  readonly facts?: readonly (readonly [term: string, value: string])[];
}

export function page(status: number, { title, text, facts = [] }: PageContent, more = {}): HttpResponse {
  const list = facts.map(([term, value]) => `<dt>${escaped(term)}</dt><dd>${escaped(value)}</dd>`).join('');
  const body = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${style}</style></head><body><h1>${escaped(title)}</h1><p>${escaped(text)}</p>${list === '' ? '' : `<dl>${list}</dl>`}</body></html>\n`;
  return { status, headers: { ...headers(), ...more }, body };
}
