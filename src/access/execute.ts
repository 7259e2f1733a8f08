// One step carried out in one account. A step that finds its work done already is done: what a lost answer or an
// earlier run left behind is ours by its mark, and what is to go may be gone.
import type { Organizations } from '@aws-sdk/client-organizations';
import type { Account } from '../aws/index.ts';
import { organizationCall } from './organization-calls.ts';
import { isOwned } from './ownership.ts';
import { purgeUserCredentials } from './purge.ts';
import type { Tags } from './resources.ts';
import type { Step } from './plan.ts';

type Iam = Account['iam'];

const isNamed = (error: unknown, code: string): boolean => error instanceof Error && error.name.startsWith(code);

function tagsOf(tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Providers are named by ARNs, which their lists have: the name is what the ARN ends in. */
async function isOurProvider(iam: Iam, { operation, input }: Step, definition: string): Promise<boolean> {
  const oidc = operation === 'createOpenIDConnectProvider';
  const name = oidc ? text(input['Url']).replace(/^https:\/\//, '') : text(input['Name']);
  const arns = oidc
    ? (await iam.listOpenIDConnectProviders({})).OpenIDConnectProviderList
    : (await iam.listSAMLProviders({})).SAMLProviderList;
  const arn = arns?.find(({ Arn = '' }) => Arn.slice(Arn.indexOf('/') + 1) === name)?.Arn;
  if (arn === undefined) return false;
  const { Tags } = oidc
    ? await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn: arn })
    : await iam.getSAMLProvider({ SAMLProviderArn: arn });
  return tagsOf(Tags)['stint:definition'] === definition;
}

/** Whether what stands in the way of a create is ours: made by an earlier run, or by this one when its answer was lost. */
async function isOurs(iam: Iam, step: Step, definition: string): Promise<boolean> {
  const { operation, input } = step;
  switch (operation) {
    case 'createRole': {
      const { Role } = await iam.getRole({ RoleName: text(input['RoleName']) });
      return tagsOf(Role?.Tags)['stint:definition'] === definition;
    }
    case 'createUser': {
      const { User } = await iam.getUser({ UserName: text(input['UserName']) });
      return tagsOf(User?.Tags)['stint:definition'] === definition;
    }
    case 'createOpenIDConnectProvider':
    case 'createSAMLProvider':
      return isOurProvider(iam, step, definition);
    case 'createInstanceProfile': {
      const { InstanceProfile } = await iam.getInstanceProfile({
        InstanceProfileName: text(input['InstanceProfileName']),
      });
      return tagsOf(InstanceProfile?.Tags)['stint:definition'] === definition;
    }
    case 'createGroup': {
      const { Group } = await iam.getGroup({ GroupName: text(input['GroupName']), MaxItems: 1 });
      const seen = { kind: 'group', name: '', path: Group?.Path ?? '', attached: [], inline: {} } as const;
      return isOwned(seen, definition);
    }
    // The ARN of a policy holds its path, so a policy that stands in the way of ours has our path or another ARN.
    case 'createPolicy':
      return true;
    default:
      return false;
  }
}

async function call(iam: Iam, operation: string, input: object): Promise<void> {
  if (operation === 'purgeUserCredentials')
    return purgeUserCredentials(iam, text((input as { UserName?: unknown }).UserName));
  const method = (iam as unknown as Record<string, ((input: object) => Promise<unknown>) | undefined>)[operation];
  if (method === undefined) throw new Error(`the AWS SDK has no operation ${operation}`);
  await method.call(iam, input);
}

/** Carries a step out. @throws the AWS error when it is refused for good. */
export async function executeStep(
  { iam }: Account,
  step: Step,
  definition: string,
  organizations: () => Promise<Organizations>,
): Promise<void> {
  const [service, operation = ''] = step.operation.split('.');
  if (service === 'organizations') return organizationCall(await organizations(), operation, step.input, definition);
  try {
    await call(iam, step.operation, step.input);
  } catch (error) {
    if (/^(?:delete|detach|remove|untag)/.test(step.operation) && isNamed(error, 'NoSuchEntity')) return;
    if (isNamed(error, 'EntityAlreadyExists') && (await isOurs(iam, step, definition))) return;
    // A profile that holds a role already refuses another; that it is the right one shows when it is read back.
    if (step.operation === 'addRoleToInstanceProfile' && isNamed(error, 'LimitExceeded')) {
      const { InstanceProfile } = await iam.getInstanceProfile({
        InstanceProfileName: text(step.input['InstanceProfileName']),
      });
      if (InstanceProfile?.Roles?.[0]?.RoleName === step.input['RoleName']) return;
    }
    throw error;
  }
}
