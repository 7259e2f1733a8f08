// The session policies of a role: its own document and ARNs, joined with those of the IAM groups it
// names, as Vault does for assumed_role and federation_token.
import type { AttachedPolicy, IAMClient } from '@aws-sdk/client-iam';
import { brokerFailure } from '../../failures.ts';
import { NothingMade } from '../engine.ts';
import { told } from './aws-errors.ts';
import type { AwsClients } from './clients.ts';
import type { AwsRole } from './roles.ts';

export interface SessionLimits {
  readonly Policy?: string;
  readonly PolicyArns?: { readonly arn: string }[];
}

/** @throws NothingMade when a group cannot be read: it comes before the first creating call. */
export async function sessionPolicies(clients: AwsClients, role: AwsRole): Promise<SessionLimits> {
  try {
    const groups = role.iamGroups.length === 0 ? [] : await readGroups(await clients.iam(), role.iamGroups);
    const documents = [role.policyDocument, ...groups.flatMap(({ documents }) => documents)].filter(
      (text) => text !== '',
    );
    const arns = [...new Set([...role.policyArns, ...groups.flatMap(({ arns }) => arns)])];
    return {
      ...(documents.length === 0 ? {} : { Policy: joinDocuments(documents) }),
      ...(arns.length === 0 ? {} : { PolicyArns: arns.map((arn) => ({ arn })) }),
    };
  } catch (error) {
    throw new NothingMade(error);
  }
}

async function readGroups(
  iam: IAMClient,
  names: readonly string[],
): Promise<readonly { documents: readonly string[]; arns: readonly string[] }[]> {
  const sdk = await import('@aws-sdk/client-iam');
  const read = async (GroupName: string): Promise<{ documents: string[]; arns: string[] }> => {
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
  return Promise.all(names.map((name) => told('Error reading IAM group: ', read(name))));
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
