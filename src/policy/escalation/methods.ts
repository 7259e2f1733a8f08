// The ways by which somebody becomes more than he is: one row each, with the permissions that it needs and on what.
// Sources: DataDog/pathfinding.cloud (paths), parliament and cloudsplaining (method lists), and the authorization
// reference of each service.

/**
 * What a permission is needed on. `self`, `own-policy` and `own-group` are the holder's; `user`, `role`, `policy` and
 * `group` the target's: a policy is a customer policy that the target carries. `new` is whatever gets made or changed for
 * it, of any name.
 */
export type Slot = 'self' | 'own-policy' | 'own-group' | 'user' | 'role' | 'policy' | 'group' | 'new';

export interface Need {
  readonly action: string;
  readonly on: Slot;
}

/**
 * What comes of it. `any`: any permission, as far as a boundary and the organisation let. `becomes`: acts as the target.
 * `joins`: gets what the target group has. `sheds`: loses a boundary or a denial. `takes`: reads or takes over what
 * secrets, keys and buckets hold.
 */
export type Outcome = 'any' | 'becomes' | 'joins' | 'sheds' | 'takes';

export interface Method {
  readonly id: string;
  readonly title: string;
  readonly holder?: 'user' | 'role';
  readonly needs: readonly Need[];
  /** One of these as well. */
  readonly oneOf?: readonly Need[];
  readonly outcome: Outcome;
  /** Of a role that is handed to a service or that a service runs with: the services its trust may name. */
  readonly services?: readonly string[];
  /** The role needs an instance profile. */
  readonly profile?: true;
  /** Works only where something is there that IAM does not tell of: a function, an instance, an older version. */
  readonly given?: string;
}

const need = (on: Slot, ...actions: readonly string[]): Need[] => actions.map((action) => ({ action, on }));

interface SelfRow {
  readonly holder?: 'user' | 'role';
  readonly given?: string;
}

const self = (id: string, title: string, on: Slot, action: string, row: SelfRow = {}): Method => ({
  id,
  title,
  needs: need(on, action),
  outcome: 'any',
  ...row,
});

const becomes = (id: string, title: string, needs: readonly Need[], given?: string): Method => ({
  id,
  title,
  needs,
  outcome: 'becomes',
  ...(given === undefined ? {} : { given }),
});

const pivot = (id: string, title: string, ...needs: readonly Need[]): Method => ({ id, title, needs, outcome: 'any' });

const iamMethods: readonly Method[] = [
  self(
    'create-policy-version',
    'writes a new version of a policy that he carries',
    'own-policy',
    'iam:CreatePolicyVersion',
  ),
  self(
    'set-default-policy-version',
    'goes back to an older version of a policy that he carries',
    'own-policy',
    'iam:SetDefaultPolicyVersion',
    {
      given: 'an older version that allows more',
    },
  ),
  self('attach-user-policy', 'attaches any policy to himself', 'self', 'iam:AttachUserPolicy', { holder: 'user' }),
  self('attach-group-policy', 'attaches any policy to a group of his', 'own-group', 'iam:AttachGroupPolicy', {
    holder: 'user',
  }),
  self('attach-role-policy', 'attaches any policy to itself', 'self', 'iam:AttachRolePolicy', { holder: 'role' }),
  self('put-user-policy', 'writes an inline policy for himself', 'self', 'iam:PutUserPolicy', { holder: 'user' }),
  self('put-group-policy', 'writes an inline policy for a group of his', 'own-group', 'iam:PutGroupPolicy', {
    holder: 'user',
  }),
  self('put-role-policy', 'writes an inline policy for itself', 'self', 'iam:PutRolePolicy', { holder: 'role' }),
  {
    id: 'add-user-to-group',
    title: 'joins a group',
    holder: 'user',
    needs: need('group', 'iam:AddUserToGroup'),
    outcome: 'joins',
  },
  becomes('create-access-key', 'makes an access key for a user', need('user', 'iam:CreateAccessKey')),
  becomes(
    'update-access-key',
    'reactivates an access key of a user',
    need('user', 'iam:UpdateAccessKey'),
    'an inactive key whose secret is known',
  ),
  becomes('create-login-profile', 'gives a user a password', need('user', 'iam:CreateLoginProfile')),
  becomes(
    'update-login-profile',
    'changes the password of a user',
    need('user', 'iam:UpdateLoginProfile'),
    'a user with a password',
  ),
  becomes(
    'update-assume-role-policy',
    'writes himself into the trust of a role',
    need('role', 'iam:UpdateAssumeRolePolicy'),
  ),
  becomes('assume', 'assumes a role', need('role', 'sts:AssumeRole')),
  pivot(
    'attach-role-policy-and-assume',
    'attaches any policy to a role and assumes it',
    ...need('role', 'iam:AttachRolePolicy', 'sts:AssumeRole'),
  ),
  pivot(
    'put-role-policy-and-assume',
    'writes an inline policy for a role and assumes it',
    ...need('role', 'iam:PutRolePolicy', 'sts:AssumeRole'),
  ),
  pivot(
    'create-policy-version-and-assume',
    'writes a policy that a role carries and assumes it',
    ...need('policy', 'iam:CreatePolicyVersion'),
    ...need('role', 'sts:AssumeRole'),
  ),
  pivot(
    'attach-role-policy-and-trust',
    'attaches any policy to a role and writes himself into its trust',
    ...need('role', 'iam:AttachRolePolicy', 'iam:UpdateAssumeRolePolicy'),
  ),
  pivot(
    'put-role-policy-and-trust',
    'writes an inline policy for a role and himself into its trust',
    ...need('role', 'iam:PutRolePolicy', 'iam:UpdateAssumeRolePolicy'),
  ),
  pivot(
    'create-policy-version-and-trust',
    'writes a policy that a role carries and himself into its trust',
    ...need('policy', 'iam:CreatePolicyVersion'),
    ...need('role', 'iam:UpdateAssumeRolePolicy'),
  ),
  pivot(
    'attach-user-policy-and-key',
    'attaches any policy to a user and makes a key for it',
    ...need('user', 'iam:AttachUserPolicy', 'iam:CreateAccessKey'),
  ),
  pivot(
    'put-user-policy-and-key',
    'writes an inline policy for a user and makes a key for it',
    ...need('user', 'iam:PutUserPolicy', 'iam:CreateAccessKey'),
  ),
];

const sheds = (id: string, title: string, action: string, holder: 'user' | 'role', given?: string): Method => ({
  id,
  title,
  holder,
  needs: need('self', action),
  outcome: 'sheds',
  ...(given === undefined ? {} : { given }),
});

const guardMethods: readonly Method[] = [
  sheds('delete-user-boundary', 'takes off his own boundary', 'iam:DeleteUserPermissionsBoundary', 'user'),
  sheds('put-user-boundary', 'writes his own boundary', 'iam:PutUserPermissionsBoundary', 'user'),
  sheds('delete-role-boundary', 'takes off its own boundary', 'iam:DeleteRolePermissionsBoundary', 'role'),
  sheds('put-role-boundary', 'writes its own boundary', 'iam:PutRolePermissionsBoundary', 'role'),
  sheds('delete-user-denial', 'deletes an inline policy that denies him something', 'iam:DeleteUserPolicy', 'user'),
  sheds('detach-user-denial', 'detaches a policy that denies him something', 'iam:DetachUserPolicy', 'user'),
  sheds('delete-role-denial', 'deletes an inline policy that denies it something', 'iam:DeleteRolePolicy', 'role'),
  sheds('detach-role-denial', 'detaches a policy that denies it something', 'iam:DetachRolePolicy', 'role'),
  {
    id: 'detach-organization-policy',
    title: 'detaches a policy of the organisation',
    needs: need('new', 'organizations:DetachPolicy'),
    outcome: 'sheds',
    given: 'the management account or one that it has delegated to',
  },
];

interface PassRow {
  readonly oneOf?: readonly string[];
  readonly profile?: true;
  readonly given?: string;
}

/** A role is handed to something that gets made for it. */
const passes = (
  id: string,
  title: string,
  services: readonly string[],
  actions: readonly string[],
  row: PassRow = {},
): Method => ({
  id,
  title,
  needs: [...need('role', 'iam:PassRole'), ...need('new', ...actions)],
  ...(row.oneOf === undefined ? {} : { oneOf: need('new', ...row.oneOf) }),
  outcome: 'becomes',
  services,
  ...(row.profile === undefined ? {} : { profile: row.profile }),
  ...(row.given === undefined ? {} : { given: row.given }),
});

/** Something that runs with a role already is turned to another purpose. */
const uses = (
  id: string,
  title: string,
  services: readonly string[],
  actions: readonly string[],
  given: string,
  row: PassRow = {},
): Method => ({
  id,
  title,
  needs: need('new', ...actions),
  ...(row.oneOf === undefined ? {} : { oneOf: need('new', ...row.oneOf) }),
  outcome: 'becomes',
  services,
  ...(row.profile === undefined ? {} : { profile: row.profile }),
  given,
});

const ec2 = ['ec2.amazonaws.com'];
const lambda = ['lambda.amazonaws.com'];
const cloudformation = ['cloudformation.amazonaws.com'];
const ecs = ['ecs-tasks.amazonaws.com'];
const codebuild = ['codebuild.amazonaws.com'];
const glue = ['glue.amazonaws.com'];
const sagemaker = ['sagemaker.amazonaws.com'];
const apprunner = ['tasks.apprunner.amazonaws.com'];
const datapipeline = ['datapipeline.amazonaws.com', 'elasticmapreduce.amazonaws.com'];
const bedrock = ['bedrock-agentcore.amazonaws.com'];

const passMethods: readonly Method[] = [
  passes('ec2-run-instances', 'starts an instance with the role', ec2, ['ec2:RunInstances'], { profile: true }),
  passes('ec2-request-spot-instances', 'asks for a spot instance with the role', ec2, ['ec2:RequestSpotInstances'], {
    profile: true,
  }),
  passes(
    'ec2-associate-instance-profile',
    'puts the role’s profile on an instance',
    ec2,
    ['ec2:AssociateIamInstanceProfile'],
    { profile: true, given: 'an instance that he can reach' },
  ),
  passes(
    'auto-scaling-launch-configuration',
    'lets Auto Scaling start instances with the role',
    ec2,
    ['autoscaling:CreateLaunchConfiguration', 'autoscaling:CreateAutoScalingGroup'],
    { profile: true },
  ),
  passes(
    'lambda-create-function',
    'makes a function with the role and has it called',
    lambda,
    ['lambda:CreateFunction'],
    {
      oneOf: ['lambda:InvokeFunction', 'lambda:AddPermission', 'lambda:CreateEventSourceMapping'],
    },
  ),
  passes('cloudformation-create-stack', 'makes a stack with the role', cloudformation, ['cloudformation:CreateStack']),
  passes('cloudformation-create-stack-set', 'makes a stack set with the role', cloudformation, [
    'cloudformation:CreateStackSet',
    'cloudformation:CreateStackInstances',
  ]),
  passes(
    'cloudformation-update-stack-set',
    'changes a stack set to the role',
    cloudformation,
    ['cloudformation:UpdateStackSet'],
    { given: 'a stack set' },
  ),
  passes('ecs-new-task', 'starts a task with the role', ecs, ['ecs:RegisterTaskDefinition'], {
    oneOf: ['ecs:RunTask', 'ecs:StartTask', 'ecs:CreateService'],
  }),
  passes('codebuild-create-project', 'makes a build project with the role', codebuild, ['codebuild:CreateProject'], {
    oneOf: ['codebuild:StartBuild', 'codebuild:StartBuildBatch'],
  }),
  passes('glue-create-dev-endpoint', 'makes a development endpoint with the role', glue, ['glue:CreateDevEndpoint']),
  passes('glue-create-job', 'makes a job with the role', glue, ['glue:CreateJob'], {
    oneOf: ['glue:StartJobRun', 'glue:CreateTrigger'],
  }),
  passes('glue-update-job', 'changes a job to the role', glue, ['glue:UpdateJob'], {
    oneOf: ['glue:StartJobRun', 'glue:CreateTrigger'],
    given: 'a job',
  }),
  passes('sagemaker-create-notebook', 'makes a notebook with the role', sagemaker, [
    'sagemaker:CreateNotebookInstance',
  ]),
  passes('sagemaker-create-training-job', 'starts a training job with the role', sagemaker, [
    'sagemaker:CreateTrainingJob',
  ]),
  passes('sagemaker-create-processing-job', 'starts a processing job with the role', sagemaker, [
    'sagemaker:CreateProcessingJob',
  ]),
  passes('apprunner-create-service', 'makes an App Runner service with the role', apprunner, [
    'apprunner:CreateService',
  ]),
  passes('datapipeline-create-pipeline', 'makes a pipeline with the role', datapipeline, [
    'datapipeline:CreatePipeline',
    'datapipeline:PutPipelineDefinition',
    'datapipeline:ActivatePipeline',
  ]),
  passes('bedrock-create-code-interpreter', 'makes a code interpreter with the role', bedrock, [
    'bedrock-agentcore:CreateCodeInterpreter',
    'bedrock-agentcore:StartCodeInterpreterSession',
    'bedrock-agentcore:InvokeCodeInterpreter',
  ]),
];

const instance = 'an instance that runs with the role';

const useMethods: readonly Method[] = [
  uses(
    'ec2-modify-instance-attribute',
    'changes what an instance runs at its start',
    ec2,
    ['ec2:ModifyInstanceAttribute', 'ec2:StopInstances', 'ec2:StartInstances'],
    instance,
    { profile: true },
  ),
  uses(
    'ec2-launch-template-version',
    'changes the template of instances',
    ec2,
    ['ec2:CreateLaunchTemplateVersion', 'ec2:ModifyLaunchTemplate'],
    'a launch template with the role',
    { profile: true },
  ),
  uses('ec2-instance-connect', 'puts a key on an instance', ec2, ['ec2-instance-connect:SendSSHPublicKey'], instance, {
    profile: true,
  }),
  uses(
    'ssm-start-session',
    'opens a shell on an instance',
    ec2,
    ['ssm:StartSession'],
    `${instance} and the SSM agent`,
    { profile: true },
  ),
  uses('ssm-send-command', 'runs a command on an instance', ec2, ['ssm:SendCommand'], `${instance} and the SSM agent`, {
    profile: true,
  }),
  uses(
    'lambda-update-function-code',
    'changes the code of a function',
    lambda,
    ['lambda:UpdateFunctionCode'],
    'a function with the role',
  ),
  uses(
    'lambda-update-function-configuration',
    'puts a layer of his into a function',
    lambda,
    ['lambda:UpdateFunctionConfiguration'],
    'a function with the role',
  ),
  uses(
    'cloudformation-update-stack',
    'changes a stack',
    cloudformation,
    ['cloudformation:UpdateStack'],
    'a stack with the role',
  ),
  uses(
    'cloudformation-change-set',
    'changes a stack by a change set',
    cloudformation,
    ['cloudformation:CreateChangeSet', 'cloudformation:ExecuteChangeSet'],
    'a stack with the role',
  ),
  uses(
    'ecs-execute-command',
    'runs a command in a task',
    ecs,
    ['ecs:ExecuteCommand', 'ecs:DescribeTasks'],
    'a task with the role',
  ),
  uses('codebuild-start-build', 'starts a build with commands of his', codebuild, [], 'a project with the role', {
    oneOf: ['codebuild:StartBuild', 'codebuild:StartBuildBatch'],
  }),
  uses(
    'glue-update-dev-endpoint',
    'puts a key on a development endpoint',
    glue,
    ['glue:UpdateDevEndpoint'],
    'an endpoint with the role',
  ),
  uses(
    'sagemaker-presigned-notebook-url',
    'opens a notebook',
    sagemaker,
    ['sagemaker:CreatePresignedNotebookInstanceUrl'],
    'a notebook with the role',
  ),
  uses(
    'sagemaker-notebook-lifecycle',
    'changes what a notebook runs at its start',
    sagemaker,
    [
      'sagemaker:CreateNotebookInstanceLifecycleConfig',
      'sagemaker:StopNotebookInstance',
      'sagemaker:UpdateNotebookInstance',
      'sagemaker:StartNotebookInstance',
    ],
    'a notebook with the role',
  ),
  uses(
    'apprunner-update-service',
    'changes what an App Runner service runs',
    apprunner,
    ['apprunner:UpdateService'],
    'a service with the role',
  ),
  uses(
    'bedrock-invoke-code-interpreter',
    'runs code in an interpreter',
    bedrock,
    ['bedrock-agentcore:StartCodeInterpreterSession', 'bedrock-agentcore:InvokeCodeInterpreter'],
    'an interpreter with the role',
  ),
];

const takes = (id: string, title: string, action: string): Method => ({
  id,
  title,
  needs: need('new', action),
  outcome: 'takes',
  given: 'something worth taking',
});

const takeMethods: readonly Method[] = [
  takes('secrets-get-secret-value', 'reads any secret', 'secretsmanager:GetSecretValue'),
  takes('ssm-get-parameter', 'reads any parameter', 'ssm:GetParameter'),
  takes('kms-put-key-policy', 'writes the policy of any key', 'kms:PutKeyPolicy'),
  takes('kms-create-grant', 'grants himself any key', 'kms:CreateGrant'),
  takes('s3-put-bucket-policy', 'writes the policy of any bucket', 's3:PutBucketPolicy'),
];

/** Every method, those of IAM alone first. */
export const methods: readonly Method[] = [
  ...iamMethods,
  ...guardMethods,
  ...passMethods,
  ...useMethods,
  ...takeMethods,
];

/** The actions that any method needs. */
export const methodActions: readonly string[] = [
  ...new Set(methods.flatMap(({ needs, oneOf }) => [...needs, ...(oneOf ?? [])]).map(({ action }) => action)),
];

/**
 * The methods that end in any permission, or in becoming somebody, with only the actions that `holds` says are held on
 * everything: what a single policy opens. `certain`: whatever is there; otherwise where what the method needs is there. Assuming roles is left out: that is what trust is for.
 */
export function soloEscalations(
  holds: (action: string) => boolean,
  certain: boolean,
): { readonly id: string; readonly method: string; readonly actions: readonly string[] }[] {
  return methods
    .filter(({ given }) => (given === undefined) === certain)
    .filter(({ id, outcome }) => id !== 'assume' && (outcome === 'any' || outcome === 'becomes' || outcome === 'joins'))
    .flatMap(({ id, title, needs, oneOf }) => {
      const alternative = oneOf?.find(({ action }) => holds(action));
      if (!needs.every(({ action }) => holds(action)) || (oneOf !== undefined && alternative === undefined)) return [];
      const actions = [...needs, ...(alternative === undefined ? [] : [alternative])].map(({ action }) => action);
      return [{ id, method: title, actions }];
    });
}
