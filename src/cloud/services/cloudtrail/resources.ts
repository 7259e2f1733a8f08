// Which resources a call names: what LookupEvents lists and looks up by.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-supported-resource-types.html
import type { Resource } from '@aws-sdk/client-cloudtrail';
import type { ServiceId } from '../../call.ts';
import type { TrailEvent } from '../../trail.ts';

type Types = Readonly<Record<string, string>>;

/** Type of what a parameter, or a member of the answer, of that name names. */
const types: Partial<Record<ServiceId, Types>> = {
  iam: {
    userName: 'AWS::IAM::User',
    roleName: 'AWS::IAM::Role',
    groupName: 'AWS::IAM::Group',
    policyArn: 'AWS::IAM::Policy',
    policyName: 'AWS::IAM::Policy',
    accessKeyId: 'AWS::IAM::AccessKey',
    instanceProfileName: 'AWS::IAM::InstanceProfile',
    serialNumber: 'AWS::IAM::MFADevice',
    sAMLProviderArn: 'AWS::IAM::SAMLProvider',
    openIDConnectProviderArn: 'AWS::IAM::OIDCProvider',
    serverCertificateName: 'AWS::IAM::ServerCertificate',
  },
  sts: {
    roleArn: 'AWS::IAM::Role',
    accessKeyId: 'AWS::IAM::AccessKey',
    assumedRoleId: 'AWS::STS::AssumedRole',
    arn: 'AWS::STS::AssumedRole',
    federatedUserId: 'AWS::STS::FederatedUser',
  },
  s3: { bucketName: 'AWS::S3::Bucket' },
  kms: { keyId: 'AWS::KMS::Key', aliasName: 'AWS::KMS::Alias', targetKeyId: 'AWS::KMS::Key' },
  dynamodb: { tableName: 'AWS::DynamoDB::Table', resourceArn: 'AWS::DynamoDB::Table' },
  ec2: {
    instanceId: 'AWS::EC2::Instance',
    instanceIds: 'AWS::EC2::Instance',
    imageId: 'AWS::EC2::Ami',
    subnetId: 'AWS::EC2::Subnet',
    vpcId: 'AWS::EC2::VPC',
    volumeId: 'AWS::EC2::Volume',
    networkInterfaceId: 'AWS::EC2::NetworkInterface',
    groupId: 'AWS::EC2::SecurityGroup',
    groupIds: 'AWS::EC2::SecurityGroup',
    keyName: 'AWS::EC2::KeyPair',
    launchTemplateId: 'AWS::EC2::LaunchTemplate',
  },
  organizations: {
    policyId: 'AWS::Organizations::Policy',
    accountId: 'AWS::Organizations::Account',
    organizationalUnitId: 'AWS::Organizations::OrganizationalUnit',
  },
};

/** Each resource once, in the order of parameters and answer. */
export function resourcesOf({ service, parameters, answer, resource }: TrailEvent): Resource[] {
  const found = new Map<string, Resource>();
  const add = (ResourceType: string, ResourceName: string): void => {
    found.set(`${ResourceType} ${ResourceName}`, { ResourceType, ResourceName });
  };
  const own = types[service] ?? {};
  collect(parameters, own, add);
  collect(answer, own, add);
  if (service === 'kms' && resource !== undefined && resource.arn !== '*') add('AWS::KMS::Key', resource.arn);
  return [...found.values()];
}

function collect(value: unknown, own: Types, add: (type: string, name: string) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) collect(one, own, add);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [name, one] of Object.entries(value)) {
    const type = Object.hasOwn(own, name) ? own[name] : undefined;
    const texts = (Array.isArray(one) ? one : [one]).filter((text) => typeof text === 'string');
    if (type !== undefined) for (const text of texts) add(type, text);
    collect(one, own, add);
  }
}
