// Calls of AWS Organizations carried out. Plans name a policy by its name and kind, because its id is known only when
// it is made; here the id is looked up.
import type { CreatePolicyRequest, Organizations, PolicyType, Tag } from '@aws-sdk/client-organizations';
import type { Json } from '../base/index.ts';
import { definitionTag, tagsOf } from './ownership.ts';

type Input = Readonly<Record<string, Json>>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const isNamed = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && codes.some((code) => error.name.startsWith(code));

async function policyId(client: Organizations, input: Input): Promise<string | undefined> {
  let token: string | undefined;
  do {
    const page = await client.listPolicies({
      Filter: text(input['Type']) as PolicyType,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    const found = page.Policies?.find(({ Name }) => Name === input['PolicyName']);
    if (found !== undefined) return found.Id;
    token = page.NextToken;
  } while (token !== undefined);
  return undefined;
}

/** What a lost answer or an earlier run left behind is ours by its tag. */
async function isOurs(client: Organizations, ResourceId: string, definition: string): Promise<boolean> {
  const { Tags } = await client.listTagsForResource({ ResourceId });
  return tagsOf(Tags)[definitionTag] === definition;
}

async function create(client: Organizations, input: Input, definition: string): Promise<void> {
  const { PolicyName, ...rest } = input;
  try {
    await client.createPolicy({ ...rest, Name: text(PolicyName) } as unknown as CreatePolicyRequest);
  } catch (error) {
    if (!isNamed(error, 'DuplicatePolicyException')) throw error;
    const id = await policyId(client, input);
    if (id === undefined || !(await isOurs(client, id, definition))) throw error;
  }
}

/** The calls that need a policy's id. @throws what AWS answers. */
const onPolicy: Readonly<Record<string, (client: Organizations, PolicyId: string, input: Input) => Promise<unknown>>> =
  {
    attachPolicy: (client, PolicyId, input) => client.attachPolicy({ PolicyId, TargetId: text(input['TargetId']) }),
    detachPolicy: (client, PolicyId, input) => client.detachPolicy({ PolicyId, TargetId: text(input['TargetId']) }),
    deletePolicy: (client, PolicyId) => client.deletePolicy({ PolicyId }),
    updatePolicy: (client, PolicyId, input) =>
      client.updatePolicy({ PolicyId, Content: text(input['Content']), Description: text(input['Description']) }),
    tagResource: (client, ResourceId, input) =>
      client.tagResource({ ResourceId, Tags: input['Tags'] as unknown as Tag[] }),
    untagResource: (client, ResourceId, input) =>
      client.untagResource({ ResourceId, TagKeys: input['TagKeys'] as unknown as string[] }),
  };

/** Answers that say that the work of a call is done already. */
const doneCodes: Readonly<Record<string, readonly string[]>> = {
  attachPolicy: ['DuplicatePolicyAttachmentException'],
  detachPolicy: ['PolicyNotAttachedException', 'TargetNotFoundException'],
  deletePolicy: ['PolicyNotFoundException'],
  enablePolicyType: ['PolicyTypeAlreadyEnabledException'],
  disablePolicyType: ['PolicyTypeNotEnabledException'],
};

const gone = (): Error =>
  Object.assign(new Error('the policy is not there any more'), { name: 'PolicyNotFoundException' });

async function send(client: Organizations, operation: string, input: Input, definition: string): Promise<void> {
  const PolicyType = text(input['PolicyType']) as PolicyType;
  const RootId = text(input['RootId']);
  if (operation === 'createPolicy') return create(client, input, definition);
  if (operation === 'enablePolicyType') await client.enablePolicyType({ RootId, PolicyType });
  else if (operation === 'disablePolicyType') await client.disablePolicyType({ RootId, PolicyType });
  else {
    const id = await policyId(client, input);
    if (id === undefined && /^(?:delete|detach|untag)/.test(operation)) return;
    if (id === undefined) throw gone();
    await onPolicy[operation]!(client, id, input);
  }
}

/** Carries out `organizations.NAME`, given without its prefix. A call that finds its work done is done. */
export async function organizationCall(
  client: Organizations,
  operation: string,
  input: Input,
  definition: string,
): Promise<void> {
  try {
    await send(client, operation, input, definition);
  } catch (error) {
    if (!isNamed(error, ...(doneCodes[operation] ?? []))) throw error;
  }
}
