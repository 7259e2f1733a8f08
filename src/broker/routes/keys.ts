// The keys behind the seal: sys/key-status, sys/rotate…, with Vault's shapes.
import { formatGoDuration } from '../../base/index.ts';
import type { Barrier } from '../barrier.ts';
import { done, enveloped, envelopedTwice, served, type Answer, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { Handlers } from '../pipeline.ts';
import { rotationProblem } from '../seal/key-ring.ts';
import type { SealKeys } from '../seal/keys.ts';

type Names = 'keyStatus' | 'rotate' | 'rotateKeyring' | 'rotateConfig' | 'rotateKeyringConfig' | 'rotateRoot';

export function keyHandlers(barrier: Barrier, keys: SealKeys): Pick<Handlers, Names> {
  const rotate = served('Adds a key, which encrypts everything from then on.', {}, async () => {
    await barrier.rotate();
    return done();
  });
  const config = rotateConfig(barrier);
  return {
    keyStatus: served('The key that encrypts now.', {}, async (call) => {
      await barrier.rotateWhenDue();
      const { term, installedAt, encryptions } = barrier.keyStatus();
      return envelopedTwice(call, { term, install_time: new Date(installedAt).toISOString(), encryptions });
    }),
    rotate,
    rotateKeyring: rotate,
    rotateConfig: config,
    rotateKeyringConfig: config,
    rotateRoot: served('Replaces the root key; shares stay as they are.', {}, async () => {
      await keys.rotateRoot();
      return done();
    }),
  };
}

const configFields = { max_operations: 'int', interval: 'seconds', enabled: 'boolean' } as const;

function rotateConfig(barrier: Barrier): Served {
  return served('When the encrypting key is replaced by itself.', configFields, async (call, values) =>
    call.operation === 'read' ? readConfig(barrier, call) : changeConfig(barrier, values),
  );
}

function readConfig(barrier: Barrier, call: Call): Answer {
  const { enabled, maxOperations, intervalSeconds } = barrier.rotation;
  const interval = intervalSeconds === 0 ? 0 : formatGoDuration(intervalSeconds);
  return enveloped(call, { data: { enabled, max_operations: maxOperations, interval } });
}

async function changeConfig(barrier: Barrier, values: FieldValues<typeof configFields>): Promise<Answer> {
  const before = barrier.rotation;
  const rotation = {
    enabled: values.enabled ?? before.enabled,
    maxOperations: values.max_operations ?? before.maxOperations,
    intervalSeconds: values.interval ?? before.intervalSeconds,
  };
  const problem = rotationProblem(rotation);
  if (problem !== undefined) throw brokerFailure('bad-request', problem);
  await barrier.setRotation(rotation);
  return done();
}
