// The wire models of the services, each parsed from its generated text at the first request that needs it.
import type { ServiceId } from '../call.ts';
import { cloudtrailWire } from '../generated/cloudtrail.ts';
import { dynamodbWire } from '../generated/dynamodb.ts';
import { ec2Wire } from '../generated/ec2.ts';
import { iamWire } from '../generated/iam.ts';
import { kmsWire } from '../generated/kms.ts';
import { organizationsWire } from '../generated/organizations.ts';
import { s3Wire } from '../generated/s3.ts';
import { stsWire } from '../generated/sts.ts';
import type { Member, ServiceModel, Shape, Structure } from './model.ts';

// Each is a constant computed at first use: parsing them takes 1 ms each, which a start need not pay.
const models: Readonly<Record<ServiceId, () => ServiceModel>> = {
  iam: parsedOnce(iamWire),
  sts: parsedOnce(stsWire),
  organizations: parsedOnce(organizationsWire),
  s3: parsedOnce(s3Wire),
  ec2: parsedOnce(ec2Wire),
  kms: parsedOnce(kmsWire),
  dynamodb: parsedOnce(dynamodbWire),
  cloudtrail: parsedOnce(cloudtrailWire),
};

function parsedOnce(text: string): () => ServiceModel {
  let model: ServiceModel | undefined;
  return () => (model ??= JSON.parse(text) as ServiceModel);
}

export function serviceModel(service: ServiceId): ServiceModel {
  return models[service]();
}

export function isServiceId(name: string): name is ServiceId {
  return Object.hasOwn(models, name);
}

export const serviceIds = Object.keys(models) as readonly ServiceId[];

/** The structure of that name. Only for names that the generated model itself gave. */
export function structureOf(model: ServiceModel, name: string): Structure {
  const shape = model.shapes[name];
  if (shape?.kind !== 'structure') throw new Error(`${model.service}: ${name} is no structure`);
  return shape;
}

/** The shape a member points at; undefined for a simple one. */
export function shapeOf(model: ServiceModel, member: Member): Shape | undefined {
  return member.target === undefined ? undefined : model.shapes[member.target];
}
