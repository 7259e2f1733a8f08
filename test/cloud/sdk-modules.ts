// What each SDK client exports: commands (`CreateUserCommand`) and run-time schemas (`CreateUser$`).
import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as ec2 from '@aws-sdk/client-ec2';
import * as iam from '@aws-sdk/client-iam';
import * as kms from '@aws-sdk/client-kms';
import * as organizations from '@aws-sdk/client-organizations';
import * as s3 from '@aws-sdk/client-s3';
import * as sts from '@aws-sdk/client-sts';
import type { ServiceId } from '../../src/cloud/call.ts';

export type Exports = Readonly<Record<string, unknown>>;

export const modules: Readonly<Record<ServiceId, Exports>> = {
  iam,
  sts,
  organizations,
  s3,
  ec2,
  kms,
  dynamodb,
  cloudtrail,
};
