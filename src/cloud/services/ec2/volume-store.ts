// Volumes wherever they are: with their instance, or free. A volume is in one place only.
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter } from './failures.ts';
import { freeVolumes, type FreeVolume, type Instance, type Volume } from './model.ts';
import { instanceOfPart, putTags, visibleInstances } from './store.ts';

/** A volume with the instance it is attached to, or free in its zone. */
export type PlacedVolume =
  | { readonly volume: Volume; readonly instance: Instance }
  | { readonly volume: FreeVolume; readonly instance?: undefined };

const idOf = (call: Call, id: string): string => `${call.region}/${id}`;

export function findVolume(call: Call, id: string): PlacedVolume | undefined {
  const free = call.world.table(freeVolumes).get(call.account, idOf(call, id));
  if (free !== undefined) return { volume: free };
  const instance = instanceOfPart(call, id);
  const volume = instance?.volumes.find((one) => one.id === id);
  return instance === undefined || volume === undefined ? undefined : { volume, instance };
}

/** @throws InvalidParameterValue, InvalidVolume.NotFound 400 */
export function volumeOf(call: Call, id: string): PlacedVolume {
  if (!/^vol-(?:[0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) {
    throw invalidParameter(`Value (${id}) for parameter volumeId is invalid. Expected: 'vol-...'.`);
  }
  const found = findVolume(call, id);
  if (found !== undefined) return found;
  throw awsFailure('InvalidVolume.NotFound', `The volume '${id}' does not exist.`, { status: 400 });
}

export function* volumesOf(call: Call): Generator<PlacedVolume> {
  for (const instance of visibleInstances(call)) for (const volume of instance.volumes) yield { volume, instance };
  for (const [id, volume] of call.world.table(freeVolumes).list(call.account, `${call.region}/`)) {
    if (!id.startsWith(`${call.region}/`)) return;
    yield { volume };
  }
}

export function putFreeVolume(call: Call, volume: FreeVolume): void {
  call.world.table(freeVolumes).put(call.account, idOf(call, volume.id), volume);
}

/** The volume's row goes; its tags stay for the instance that gets it. */
export function takeFreeVolume(call: Call, id: string): void {
  call.world.table(freeVolumes).delete(call.account, idOf(call, id));
}

export function removeFreeVolume(call: Call, id: string): void {
  takeFreeVolume(call, id);
  putTags(call, id, {});
}

/** What is left of the volume when it leaves the instance. */
export function freed(
  { device: _device, deleteOnTermination: _delete, attachedAt: _at, ...disk }: Volume,
  instance: Instance,
): FreeVolume {
  return { ...disk, zone: instance.zone, createdAt: disk.createdAt ?? instance.createdAt };
}

/** Volumes that outlive their instance are free from now on. To be called before the instance loses them. */
export function keepVolumes(call: Call, instance: Instance): void {
  for (const volume of instance.volumes) if (!volume.deleteOnTermination) putFreeVolume(call, freed(volume, instance));
}
