// Instances stopped, started, rebooted and ended. States change at once; answers show the step between, as AWS's do.
import type {
  InstanceStateChange,
  MonitorInstancesCommandInput,
  MonitorInstancesResult,
  RebootInstancesCommandInput,
  StartInstancesCommandInput,
  StartInstancesResult,
  StopInstancesCommandInput,
  StopInstancesResult,
  TerminateInstancesCommandInput,
  TerminateInstancesResult,
  UnmonitorInstancesCommandInput,
  UnmonitorInstancesResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { missingParameter } from './failures.ts';
import type { Instance } from './model.ts';
import { onInstance } from './permissions.ts';
import { stateShape } from './shapes.ts';
import { dryRunnable, instancesOf, putInstance } from './store.ts';
import { keepVolumes } from './volume-store.ts';

interface InstanceIds {
  readonly InstanceIds?: readonly string[] | undefined;
  readonly DryRun?: boolean | undefined;
}

const onEach = (action: string) => (input: InstanceIds, call: Call) =>
  (input.InstanceIds ?? []).length === 0
    ? [onInstance(call, action, '*')]
    : input.InstanceIds!.map((id) => onInstance(call, action, id));

function wanted(input: InstanceIds, call: Call): readonly Instance[] {
  if ((input.InstanceIds ?? []).length === 0) throw missingParameter('InstanceId');
  return instancesOf(call, [...new Set(input.InstanceIds)]);
}

/** One answer per instance; all are checked before the first changes. */
function change(
  before: Instance,
  state: Instance['state'],
  shown: Parameters<typeof stateShape>[0],
  call: Call,
): InstanceStateChange {
  const previous = { InstanceId: before.id, PreviousState: stateShape(before.state) };
  if (before.state === state) return { ...previous, CurrentState: stateShape(state) };
  const now = call.clock.now();
  if (state === 'terminated') keepVolumes(call, before);
  putInstance(call, {
    ...before,
    state,
    ...(state === 'running' ? { launchedAt: now, endedAt: undefined } : { endedAt: now }),
    ...(state === 'terminated' ? { volumes: [], network: undefined, profile: undefined } : {}),
  });
  return { ...previous, CurrentState: stateShape(shown) };
}

function incorrectState(instance: Instance, verb: string): Error {
  return awsFailure(
    'IncorrectInstanceState',
    `The instance '${instance.id}' is not in a state from which it can be ${verb}.`,
    { status: 400 },
  );
}

export const TerminateInstances = dryRunnable<TerminateInstancesCommandInput, TerminateInstancesResult>({
  permissions: onEach('TerminateInstances'),
  handle(input, call) {
    const ending = wanted(input, call);
    for (const { id, disableApiTermination, state } of ending) {
      if (disableApiTermination && state !== 'terminated') {
        throw awsFailure(
          'OperationNotPermitted',
          `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
          { status: 400 },
        );
      }
    }
    return { TerminatingInstances: ending.map((one) => change(one, 'terminated', 'shutting-down', call)) };
  },
});

export const StopInstances = dryRunnable<StopInstancesCommandInput, StopInstancesResult>({
  permissions: onEach('StopInstances'),
  handle(input, call) {
    const stopping = wanted(input, call);
    for (const instance of stopping) {
      if (instance.state === 'terminated') throw incorrectState(instance, 'stopped');
      if (instance.disableApiStop && instance.state === 'running') {
        throw awsFailure(
          'OperationNotPermitted',
          `The instance '${instance.id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`,
          { status: 400 },
        );
      }
    }
    if (input.Hibernate === true) {
      throw awsFailure('UnsupportedHibernationConfiguration', 'The instance is not configured for hibernation.', {
        status: 400,
      });
    }
    return { StoppingInstances: stopping.map((one) => change(one, 'stopped', 'stopping', call)) };
  },
});

export const StartInstances = dryRunnable<StartInstancesCommandInput, StartInstancesResult>({
  permissions: onEach('StartInstances'),
  handle(input, call) {
    const starting = wanted(input, call);
    for (const instance of starting) if (instance.state === 'terminated') throw incorrectState(instance, 'started');
    return { StartingInstances: starting.map((one) => change(one, 'running', 'pending', call)) };
  },
});

export const RebootInstances = dryRunnable<RebootInstancesCommandInput, object>({
  permissions: onEach('RebootInstances'),
  handle(input, call) {
    for (const instance of wanted(input, call))
      if (instance.state !== 'running') throw incorrectState(instance, 'rebooted');
    return {};
  },
});

function monitored(input: InstanceIds, call: Call, monitoring: boolean, shown: 'pending' | 'disabling') {
  return wanted(input, call).map((instance) => {
    putInstance(call, { ...instance, monitoring });
    return { InstanceId: instance.id, Monitoring: { State: shown } };
  });
}

export const MonitorInstances = dryRunnable<MonitorInstancesCommandInput, MonitorInstancesResult>({
  permissions: onEach('MonitorInstances'),
  handle: (input, call) => ({ InstanceMonitorings: monitored(input, call, true, 'pending') }),
  depth: 'kept and shown; there are no metrics',
});

export const UnmonitorInstances = dryRunnable<UnmonitorInstancesCommandInput, UnmonitorInstancesResult>({
  permissions: onEach('UnmonitorInstances'),
  handle: (input, call) => ({ InstanceMonitorings: monitored(input, call, false, 'disabling') }),
});
