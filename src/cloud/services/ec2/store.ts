// Reading and writing instances with everything that hangs on them: the indexes of their parts, their tags,
// and the hour in which a terminated instance is still seen.
import { operation, type Call, type Operation } from '../../call.ts';
import { dryRun, noInstances, checkId } from './failures.ts';
import {
  clientTokens,
  freeVolumes,
  instances,
  metadataChanges,
  parts,
  tags,
  terminated,
  type Instance,
  type Tags,
} from './model.ts';
import { forgetUse, noteUse } from './security-group-store.ts';

/** EC2 user guide: "after you terminate an instance, it remains visible in the console for a short while"; about an hour. */
const visibleFor = 60 * 60 * 1000;

const idOf = (call: Call, id: string): string => `${call.region}/${id}`;

function gone(instance: Instance, now: number): boolean {
  return instance.state === 'terminated' && now - (instance.endedAt ?? 0) > visibleFor;
}

export function findInstance(call: Call, id: string): Instance | undefined {
  const instance = call.world.table(instances).get(call.account, idOf(call, id));
  return instance === undefined || gone(instance, call.clock.now()) ? undefined : instance;
}

/**
 * The instances with these ids, in the order asked for.
 * @throws InvalidInstanceID.Malformed, InvalidInstanceID.NotFound 400 which names every missing one
 */
export function instancesOf(call: Call, ids: readonly string[]): readonly Instance[] {
  for (const id of ids) checkId(id, 'i');
  const found = ids.map((id) => findInstance(call, id));
  const missing = ids.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) throw noInstances(missing);
  return found as readonly Instance[];
}

/** @throws as `instancesOf` */
export function instanceOf(call: Call, id: string | undefined): Instance {
  return instancesOf(call, [id ?? ''])[0]!;
}

/** Every instance of the caller's account and region that can still be seen. */
export function* visibleInstances(call: Call): Generator<Instance> {
  const now = call.clock.now();
  for (const [id, instance] of call.world.table(instances).list(call.account, `${call.region}/`)) {
    if (!id.startsWith(`${call.region}/`)) return;
    if (!gone(instance, now)) yield instance;
  }
}

/** The instance that has this volume, interface or association. */
export function instanceOfPart(call: Call, part: string): Instance | undefined {
  const id = call.world.table(parts).get(call.account, idOf(call, part));
  return id === undefined ? undefined : findInstance(call, id);
}

const partsOf = (instance: Instance): readonly string[] => [
  ...instance.volumes.map(({ id }) => id),
  ...(instance.network === undefined ? [] : [instance.network.id]),
  ...(instance.profile === undefined ? [] : [instance.profile.id]),
];

/** Puts the instance in the place of what was there, and keeps indexes, tags and the metadata service in step. */
export function putInstance(call: Call, instance: Instance): void {
  const table = call.world.table(instances);
  const before = table.get(call.account, idOf(call, instance.id));
  const kept = new Set(partsOf(instance));
  for (const part of before === undefined ? [] : partsOf(before)) {
    if (kept.has(part)) continue;
    call.world.table(parts).delete(call.account, idOf(call, part));
    // A volume that outlives its place on the instance keeps its tags.
    if (call.world.table(freeVolumes).get(call.account, idOf(call, part)) === undefined)
      call.world.table(tags).delete(call.account, idOf(call, part));
  }
  for (const part of kept) call.world.table(parts).put(call.account, idOf(call, part), instance.id);
  for (const group of before?.network?.groups ?? []) forgetUse(call, group, instance.id);
  for (const group of instance.network?.groups ?? []) noteUse(call, group, instance.id);
  table.put(call.account, idOf(call, instance.id), instance);
  if (before?.state !== instance.state) {
    call.world.table(metadataChanges).put('', `${call.account}/${idOf(call, instance.id)}`, true);
    if (instance.state === 'terminated') noteEnd(call, instance);
  }
}

/** Remembers when it ended, and forgets for good what ended more than an hour ago. */
function noteEnd(call: Call, instance: Instance): void {
  const table = call.world.table(terminated);
  const now = call.clock.now();
  for (const [id] of table.list(call.account)) {
    const [at, region, instanceId] = id.split('/') as [string, string, string];
    if (now - Number(at) <= visibleFor) break;
    table.delete(call.account, id);
    const token = call.world.table(instances).get(call.account, `${region}/${instanceId}`)?.clientToken;
    if (token !== undefined) call.world.table(clientTokens).delete(call.account, `${region}/${token}`);
    call.world.table(instances).delete(call.account, `${region}/${instanceId}`);
    call.world.table(tags).delete(call.account, `${region}/${instanceId}`);
  }
  table.put(call.account, `${String(now).padStart(15, '0')}/${idOf(call, instance.id)}`, true);
}

export function tagsOf(call: Call, id: string): Tags {
  return call.world.table(tags).get(call.account, idOf(call, id)) ?? {};
}

export function putTags(call: Call, id: string, wanted: Tags): void {
  const table = call.world.table(tags);
  if (Object.keys(wanted).length === 0) table.delete(call.account, idOf(call, id));
  else table.put(call.account, idOf(call, id), wanted);
}

/** Every tagged resource of the account and region. */
export function* taggedResources(call: Call): Generator<readonly [id: string, tags: Tags]> {
  for (const [id, value] of call.world.table(tags).list(call.account, `${call.region}/`)) {
    if (!id.startsWith(`${call.region}/`)) return;
    yield [id.slice(call.region.length + 1), value];
  }
}

/** An operation of which `DryRun` only asks whether it would be allowed. */
export function dryRunnable<Input extends { readonly DryRun?: boolean | undefined }, Output>(
  spec: Operation<Input, Output, undefined, undefined>,
): Operation {
  return operation<Input, Output>({
    ...spec,
    handle(input, call, prepared) {
      if (input.DryRun === true) throw dryRun();
      return spec.handle(input, call, prepared);
    },
  });
}
