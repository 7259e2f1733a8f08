// The ARNs of IAM principals: what they say of who it is, and which patterns of a role they match. Pure.
// Texts: OpenBao plugins `auth/aws/path_login.go`, parseIamArn.

export interface Principal {
  readonly partition: string;
  readonly account: string;
  readonly type: string;
  /** Of the user or role; a session has that of its role. */
  readonly name: string;
  /** Of an assumed role; else empty. */
  readonly session: string;
}

const types = ['user', 'role', 'assumed-role', 'instance-profile'];

/** @throws Error in Vault's words for an ARN of something else. */
export function parsePrincipal(arn: string): Principal {
  const parts = arn.split(':');
  const [prefix, partition = '', service = '', , account = '', resource = ''] = parts;
  if (parts.length !== 6) {
    throw new Error(`unrecognized arn: contains ${parts.length} colon-separated parts, expected 6`);
  }
  if (prefix !== 'arn') throw new Error('unrecognized arn: does not begin with "arn:"');
  if (service !== 'iam' && service !== 'sts') {
    throw new Error(`unrecognized service: ${service}, not one of iam or sts`);
  }
  const [type = '', ...path] = resource.split('/');
  const isSession = type === 'assumed-role';
  if (path.length < (isSession ? 2 : 1)) {
    throw new Error(`unrecognized arn: "${resource}" contains fewer than ${isSession ? 3 : 2} slash-separated parts`);
  }
  if (!types.includes(type)) throw new Error(`unrecognized principal type: "${type}"`);
  const [name, session] = isSession ? [path[0]!, path[1]!] : [path.at(-1)!, ''];
  return { partition, account, type, name, session };
}

/** The ARN without its path, which a session's does not tell; a session becomes its role. */
export function canonicalArn({ partition, account, type, name }: Principal): string {
  return `arn:${partition}:iam::${account}:${type === 'assumed-role' ? 'role' : type}/${name}`;
}

/** A pattern that ends with `*` stands for every ARN that begins so; a `*` elsewhere is itself, for paths may hold one. */
export function isPattern(arn: string): boolean {
  return arn.endsWith('*');
}

export function matchesPattern(pattern: string, arn: string): boolean {
  return isPattern(pattern) ? arn.startsWith(pattern.slice(0, -1)) : arn === pattern;
}

const awsRegion =
  /^(us-gov|us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d{1,2}$/;

/** The STS of a region in one of the three partitions; undefined for what is no region of AWS. */
export function stsEndpointOf(region: string): string | undefined {
  const group = awsRegion.exec(region)?.[1];
  if (group === undefined) return undefined;
  return `https://sts.${region}.amazonaws.com${group === 'cn' ? '.cn' : ''}`;
}

/** True of the names under which AWS answers as STS, also by way of a VPC endpoint. */
export function isStsHost(host: string): boolean {
  if (host === 'sts.amazonaws.com') return true;
  const [, region, , chinese = ''] =
    /^(?:vpce-[0-9a-z-]+\.)?sts(?:-fips)?\.([a-z0-9-]+)\.(vpce\.)?amazonaws\.com(\.cn)?$/.exec(host) ?? [];
  const endpoint = region === undefined ? undefined : stsEndpointOf(region);
  return endpoint !== undefined && endpoint.endsWith('.cn') === (chinese !== '');
}

/** A region of the partition, for IAM answers in one of each. */
export function regionOf(partition: string): string {
  const regions: Readonly<Record<string, string>> = { 'aws-cn': 'cn-north-1', 'aws-us-gov': 'us-gov-west-1' };
  return Object.hasOwn(regions, partition) ? regions[partition]! : 'us-east-1';
}
