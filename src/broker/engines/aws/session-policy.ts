// The session policies of a role: its own document and ARNs, joined with those of the IAM groups it
// names, as Vault does for assumed_role and federation_token.
import type { AttachedPolicy, IAMClient } from '@aws-sdk/client-iam';
import { iamSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import { NothingMade } from '../engine.ts';
import { told } from './aws-errors.ts';
import type { AwsRole } from './aws-role.ts';
import type { AwsClients } from './clients.ts';

export interface SessionLimits {
  readonly Policy?: string;
  readonly PolicyArns?: { readonly arn: string }[];
}

interface GroupPolicies {
  readonly documents: readonly string[];
  readonly arns: readonly string[];
}

/** @throws NothingMade when a group cannot be read: it comes before the first creating call. */
export async function sessionPolicies(clients: AwsClients, role: AwsRole): Promise<SessionLimits> {
  const names = role.iamGroups ?? [];
  try {
    const groups = names.length === 0 ? [] : await readGroups(await clients.iam(), names);
    const arns = [...new Set([...(role.policyArns ?? []), ...groups.flatMap(({ arns }) => arns)])];
    const policy = sessionDocument(
      role.policyDocument,
      groups.flatMap(({ documents }) => documents),
    );
    return {
      ...(policy === '' ? {} : { Policy: policy }),
      ...(arns.length === 0 ? {} : { PolicyArns: arns.map((arn) => ({ arn })) }),
    };
  } catch (error) {
    throw new NothingMade(error);
  }
}

// A role without groups gives its document as it was written.
function sessionDocument(own: string, ofGroups: readonly string[]): string {
  return ofGroups.length === 0 ? own : joinDocuments([...ofGroups, own].filter((text) => text !== ''));
}

async function readGroups(iam: IAMClient, names: readonly string[]): Promise<readonly GroupPolicies[]> {
  const sdk = await iamSdk();
  const read = async (GroupName: string): Promise<GroupPolicies> => {
    const attached: AttachedPolicy[] = [];
    for await (const page of sdk.paginateListAttachedGroupPolicies({ client: iam }, { GroupName })) {
      attached.push(...(page.AttachedPolicies ?? []));
    }
    const documents: string[] = [];
    for await (const page of sdk.paginateListGroupPolicies({ client: iam }, { GroupName })) {
      for (const PolicyName of page.PolicyNames ?? []) {
        const policy = await iam.send(new sdk.GetGroupPolicyCommand({ GroupName, PolicyName }));
        documents.push(decodeURIComponent(policy.PolicyDocument ?? ''));
      }
    }
    return { documents, arns: attached.map(({ PolicyArn }) => PolicyArn ?? '') };
  };
  // Vault tells AWS's refusal as it is, without a prefix.
  return Promise.all(names.map((name) => told('', read(name))));
}

/** One document with the statements of all. @throws Failure `invalid-role` when one cannot be read. */
export function joinDocuments(documents: readonly string[]): string {
  const statements = documents.flatMap((text) => {
    try {
      const { Statement } = JSON.parse(text) as { Statement?: unknown };
      return Array.isArray(Statement) ? (Statement as unknown[]) : [Statement];
    } catch (error) {
      throw brokerFailure('invalid-role', 'a policy document of the role or its groups cannot be read', {
        cause: error,
      });
    }
  });
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
