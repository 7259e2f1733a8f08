// The network every account has in every region: one default VPC and a subnet per zone. Nothing is stored; the same account and region always have the same ids.
import { awsFailure } from '../../failures.ts';
import { derivedId } from './ids.ts';

export interface Place {
  readonly account: string;
  readonly region: string;
}

export interface Zone {
  readonly name: string;
  readonly id: string;
}

export interface Subnet {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: Zone;
  readonly cidr: string;
  /** The first two octets and the third's start: hosts are counted from here. */
  readonly firstThird: number;
}

export const vpcCidr = '172.31.0.0/16';

export function vpcId({ account, region }: Place): string {
  return derivedId('vpc', account, region);
}

/** Zones `a`, `b`, `c` of the region. Their ids are short: `use1-az1` for us-east-1. */
export function zonesOf(region: string): readonly Zone[] {
  const [area = '', direction = '', number = ''] = region.replace(/-(?=gov|iso)/, '').split('-');
  const short = `${area}${direction.replaceAll(/(north|south|east|west|central)/g, (word) => word[0]!)}${number}`;
  return ['a', 'b', 'c'].map((letter, index) => ({ name: region + letter, id: `${short}-az${index + 1}` }));
}

export function subnetsOf(place: Place): readonly Subnet[] {
  return zonesOf(place.region).map((zone, index) => ({
    id: derivedId('subnet', place.account, zone.name),
    vpcId: vpcId(place),
    zone,
    cidr: `172.31.${index * 16}.0/20`,
    firstThird: index * 16,
  }));
}

/** Ids of what lies around the VPC and can be tagged. */
export function defaultParts({ account, region }: Place): readonly string[] {
  return ['rtb', 'igw', 'acl', 'dopt'].map((prefix) => derivedId(prefix, account, region));
}

/** @throws InvalidSubnetID.NotFound 400 */
export function subnetOf(place: Place, id: string): Subnet {
  const subnet = subnetsOf(place).find((one) => one.id === id);
  if (subnet === undefined) {
    throw awsFailure('InvalidSubnetID.NotFound', `The subnet ID '${id}' does not exist`, { status: 400 });
  }
  return subnet;
}

/** Regions that are on without being asked for, and those that have to be (`opt-in`): AWS general reference. */
const regions: Readonly<Record<string, readonly [standard: string, optIn: string]>> = {
  aws: [
    'ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2',
    'af-south-1 ap-east-1 ap-south-2 ap-southeast-3 ap-southeast-4 ca-west-1 eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1',
  ],
  'aws-us-gov': ['us-gov-east-1 us-gov-west-1', ''],
  'aws-cn': ['cn-north-1 cn-northwest-1', ''],
};

export function regionsOf(partition: string): readonly { readonly name: string; readonly optIn: boolean }[] {
  const [standard, optIn] = regions[partition] ?? ['', ''];
  const list = (names: string, needed: boolean) =>
    names
      .split(' ')
      .filter(Boolean)
      .map((name) => ({ name, optIn: needed }));
  return [...list(standard, false), ...list(optIn, true)].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Domain of private names: `ec2.internal` in us-east-1, `REGION.compute.internal` elsewhere. */
export function privateDomain(region: string): string {
  return region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`;
}

/** Domain of public names: `compute-1.amazonaws.com` in us-east-1, `REGION.compute.amazonaws.com` elsewhere. */
export function publicDomain(region: string): string {
  return region === 'us-east-1' ? 'compute-1.amazonaws.com' : `${region}.compute.amazonaws.com`;
}
