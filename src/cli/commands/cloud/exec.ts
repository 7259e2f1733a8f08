// `stint cloud exec`: runs a command as if on an instance. It finds no keys but those of the metadata service.
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

export async function exec(io: Io, instanceId: string, command: readonly string[], values: Values): Promise<void> {
  const [program, ...args] = command;
  if (program === undefined) {
    throw cloudVerbFailure('missing-argument', 'a command is needed', {
      hint: `write \`stint cloud exec ${instanceId} -- COMMAND\``,
    });
  }
  const { instances } = await control<{ instances: readonly InstanceView[] }>(io, values, 'GET', 'instances');
  const instance = instances.find((one) => one.instanceId === instanceId);
  if (instance === undefined) throw notRunning(instanceId, instances);
  const { execCommand } = await import('../../../assume/index.ts');
  const env = environmentOn(instance, credentialsOf(io, values).endpoint, io.env);
  const { code, error } = await execCommand(program, args, { env, terminal: io.stdin.isTTY });
  if (error !== undefined) printFailure(io, error);
  io.exit(code);
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

/** The environment without every `AWS_*`, and with what a machine in EC2 would find by itself. */
function environmentOn(instance: InstanceView, endpoint: string, env: Io['env']): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !entry[0].startsWith('AWS_'),
  );
  return {
    ...Object.fromEntries(kept),
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `${instance.metadataEndpoint}/`,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: instance.region,
    AWS_DEFAULT_REGION: instance.region,
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
  };
}
