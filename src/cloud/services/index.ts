// The services of the embedded AWS. Each is loaded when the first call for it arrives.
import type { Service, ServiceId } from '../call.ts';

const loaders: Readonly<Record<ServiceId, () => Promise<Service>>> = {
  iam: async () => (await import('./iam/index.ts')).iam,
  sts: async () => (await import('./sts/index.ts')).sts,
  s3: async () => (await import('./s3/index.ts')).s3,
  ec2: async () => (await import('./ec2/index.ts')).ec2,
  kms: async () => (await import('./kms/index.ts')).kms,
  dynamodb: async () => (await import('./dynamodb/index.ts')).dynamodb,
  cloudtrail: async () => (await import('./cloudtrail/index.ts')).cloudtrail,
  organizations: async () => (await import('./organizations/index.ts')).organizations,
};

export const serviceIds = Object.keys(loaders) as ServiceId[];

/** Gives services by id; undefined for one that is not embedded. */
export class Services {
  // Asking the module loader again for every call would cost 3 % of a call.
  readonly #loaded = new Map<string, Service>();

  async get(id: string): Promise<Service | undefined> {
    const known = this.#loaded.get(id);
    if (known !== undefined) return known;
    const service = Object.hasOwn(loaders, id) ? await loaders[id as ServiceId]() : undefined;
    if (service !== undefined) this.#loaded.set(id, service);
    return service;
  }
}
