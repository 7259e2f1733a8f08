// The services of the embedded AWS. Each is loaded when the first call for it arrives.
import type { Service, ServiceId } from '../call.ts';

/** Every service, and how it is loaded; a module is loaded once, whoever asks. */
export const services: Readonly<Partial<Record<ServiceId, () => Promise<Service>>>> = {
  iam: async () => (await import('./iam/index.ts')).iam,
  sts: async () => (await import('./sts/index.ts')).sts,
  s3: async () => (await import('./s3/index.ts')).s3,
  ec2: async () => (await import('./ec2/index.ts')).ec2,
};

export const serviceIds = Object.keys(services) as ServiceId[];
