// Templates for names, in the part of Go's text/template that Vault documents. Pure: time and
// randomness are arguments. A template is read once and may be applied any number of times.
import { evaluate, isFunction } from './evaluate.ts';
import type { Sources } from './functions.ts';
import { parseSource, TemplateError } from './parse.ts';
import { toBytes, toText } from './quote.ts';
import { GoStruct } from './values.ts';

export { TemplateError } from './parse.ts';

/** Longer templates are refused; Vault's default one has 230 bytes. */
const longestTemplate = 8192;

export interface NameTemplate {
  /** @throws TemplateError `template: template:<line>:<column>: executing "template" at <…>: …`. */
  apply(data: Readonly<Record<string, string>>, sources: Sources): string;
}

/**
 * Reads a template. `typeName` is Go's name of the data's type, for its errors.
 * @throws TemplateError `template: template:<line>: <what>`.
 */
export function readTemplate(text: string, typeName: string): NameTemplate {
  const source = toBytes(text);
  if (source.length > longestTemplate) {
    throw new TemplateError(`template: template:1: the template is longer than ${longestTemplate} bytes`);
  }
  const nodes = parseSource(source, isFunction);
  return {
    apply: (data, sources) => {
      const fields = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, toBytes(value)]));
      return toText(evaluate(nodes, source, new GoStruct(typeName, fields), sources));
    },
  };
}
