// `stint cloud exec`: runs a command as if on an instance or in a task. It finds no keys but those of the metadata
// service, or of the task's role.
import { devNull } from 'node:os';
import { nearestName } from '../../../base/index.ts';
import type { Io } from '../../command.ts';
import { printFailure } from '../../output.ts';
import { control, credentialsOf, type Values } from './control-client.ts';
import { cloudVerbFailure } from './failures.ts';

interface InstanceView {
  readonly instanceId: string;
  readonly metadataEndpoint: string;
  readonly region: string;
}

interface StartedTask {
  readonly taskId: string;
  readonly credentialsUri: string;
  readonly authorizationToken: string;
  readonly region: string;
}

type Environment = Readonly<Record<string, string>>;

/** `place`: the id of an instance, or the ARN of a role. */
export async function exec(io: Io, place: string, command: readonly string[], values: Values): Promise<void> {
  const [program, ...args] = command;
  if (program === undefined) {
    throw cloudVerbFailure('missing-argument', 'a command is needed', {
      hint: `write \`stint cloud exec ${place} -- COMMAND\``,
    });
  }
  const run = (found: Environment): Promise<number> =>
    runIn(io, program, args, environmentIn(found, credentialsOf(io, values).endpoint, io.env));
  io.exit(await (place.startsWith('arn:') ? inTask(io, place, values, run) : onInstance(io, place, values, run)));
}

async function runIn(io: Io, program: string, args: readonly string[], env: Record<string, string>): Promise<number> {
  const { execCommand } = await import('../../../assume/index.ts');
  const { code, error } = await execCommand(program, args, env);
  if (error !== undefined) printFailure(io, error);
  return code;
}

type Run = (found: Environment) => Promise<number>;

async function onInstance(io: Io, instanceId: string, values: Values, run: Run): Promise<number> {
  const { instances } = await control<{ instances: readonly InstanceView[] }>(io, values, 'GET', 'instances');
  const instance = instances.find((one) => one.instanceId === instanceId);
  if (instance === undefined) throw notRunning(instanceId, instances);
  return await run({
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `${instance.metadataEndpoint}/`,
    ...regionOf(instance),
  });
}

/** The task is there as long as the command runs. */
async function inTask(io: Io, roleArn: string, values: Values, run: Run): Promise<number> {
  const task = await control<StartedTask>(io, values, 'POST', 'tasks', { roleArn });
  const code = await run({
    AWS_CONTAINER_CREDENTIALS_FULL_URI: task.credentialsUri,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: task.authorizationToken,
    ...regionOf(task),
  });
  // It has ended already where the command stopped or reset the embedded AWS.
  await control(io, values, 'DELETE', `tasks/${task.taskId}`).catch(() => undefined);
  return code;
}

function regionOf({ region }: { readonly region: string }): Environment {
  return { AWS_REGION: region, AWS_DEFAULT_REGION: region };
}

function notRunning(instanceId: string, instances: readonly InstanceView[]): Error {
  const ids = instances.map((one) => one.instanceId);
  const near = nearestName(instanceId, ids);
  const hint =
    ids.length === 0
      ? 'no instance runs; start one with `aws ec2 run-instances`'
      : near === undefined
        ? `running are ${ids.slice(0, 20).join(', ')}`
        : `did you mean \`${near}\`?`;
  return cloudVerbFailure('instance-not-running', `no instance \`${instanceId}\` is running`, { hint });
}

/** The environment without every `AWS_*`, and with what a machine in AWS would find by itself. */
function environmentIn(found: Environment, endpoint: string, env: Io['env']): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('AWS_'),
  );
  return {
    ...Object.fromEntries(kept),
    ...found,
    AWS_ENDPOINT_URL: endpoint,
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
  };
}
