// The ways up through services that run with a role: a role is handed to something new, or what runs with one already
// is turned to another purpose. Sources as in methods.ts.
import { need, type Method } from './method.ts';

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

/** A role handed to something new. */
export const passMethods: readonly Method[] = [
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

/** Something that is there and runs with a role. */
export const useMethods: readonly Method[] = [
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
