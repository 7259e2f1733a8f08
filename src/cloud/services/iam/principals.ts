// Principals inside stored documents. AWS keeps users and roles by unique id, so that a namesake made
// later is not trusted; it shows the ARN while the entity exists and the id afterwards.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
import type { Json } from '../../../base/index.ts';
import type { World } from '../../world.ts';
import { find, roleNoun, rowId, userNoun } from './entities.ts';
import { principalIds } from './model.ts';

const uniqueId = /^A(?:ID|RO)A[A-Z0-9]{17}$/;
const account = /^\d{12}$/;

/** A principal that AWS would not save: `"AWS":"arn:…"`. */
export interface InvalidPrincipal {
  readonly invalid: string;
}

/** The id of a user or role named by its full ARN, when it exists. */
function idOfArn(arn: string, world: World): string | undefined {
  const [, type, owner, path, name] = /^(arn:[^:]+:iam::\d{12}):(?:)/.test(arn)
    ? (/^arn:[^:]+:iam::(?=\d{12}:(user|role))(\d{12}):(?:user|role)(\/(?:[^/]+\/)*)([^/]+)$/.exec(arn)?.slice(0, 5) ??
      [])
    : [];
  if (owner === undefined || name === undefined || path === undefined) return undefined;
  const row = find<{ id: string; name: string; path: string; arn: string }>(
    type === 'user' ? userNoun : (roleNoun as never),
    { world, account: owner },
    name,
  );
  return row?.arn === arn ? row.id : undefined;
}
