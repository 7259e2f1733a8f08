// Policy texts of a Terraform file as documents.
import { isObject } from '../../base/index.ts';
import type { Document } from '../resources.ts';

/** The document in a JSON text; undefined where the text is none. A version left out means the older one, as in AWS. */
export function documentOf(text: string): Document | undefined {
  try {
    const json = JSON.parse(text) as unknown;
    if (!isObject(json)) return undefined;
    const version = json['Version'] === '2012-10-17' ? '2012-10-17' : '2008-10-17';
    const statements = [json['Statement'] ?? []].flat();
    return { Version: version, Statement: statements as unknown as Document['Statement'] };
  } catch {
    return undefined;
  }
}
