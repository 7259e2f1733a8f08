// Where the console is: hosts of the partitions, the sign-in endpoint, and the page a service opens at. Pure.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html and
// https://docs.aws.amazon.com/general/latest/gr/signin-service.html
import { nearestName } from '../base/index.ts';
import { failure } from './failures.ts';
import type { Environment, SessionRequest } from './model.ts';

/** In which part of AWS the console is opened. */
export interface ConsolePlace {
  readonly partition: string;
  readonly region: string | undefined;
}

interface Hosts {
  readonly signin: string;
  readonly console: string;
}

const hostsOf: Readonly<Record<string, Hosts>> = {
  aws: { signin: 'signin.aws.amazon.com', console: 'console.aws.amazon.com' },
  'aws-cn': { signin: 'signin.amazonaws.cn', console: 'console.amazonaws.cn' },
  'aws-us-gov': { signin: 'signin.amazonaws-us-gov.com', console: 'console.amazonaws-us-gov.com' },
  'aws-eusc': { signin: 'signin.amazonaws-eusc.eu', console: 'console.amazonaws-eusc.eu' },
};

function hosts({ partition }: ConsolePlace): Hosts {
  const found = Object.hasOwn(hostsOf, partition) ? hostsOf[partition] : undefined;
  if (found !== undefined) return found;
  throw failure('console-unavailable', `no console of the partition \`${partition}\` is known`, {
    hint: `Stint knows the consoles of ${Object.keys(hostsOf).join(', ')}`,
  });
}

/**
 * Addresses of the sign-in endpoint, the preferred first. A region's own goes on working when us-east-1 does not, and
 * knows the sessions of regions that are not on by default; not every region has one, so the partition's comes next.
 * `custom` replaces them all.
 */
export function signinEndpoints(place: ConsolePlace, custom: string | undefined): readonly string[] {
  if (custom !== undefined) return [custom];
  const { signin } = hosts(place);
  const global = `https://${signin}`;
  return place.region === undefined || place.region === 'aws-global'
    ? [global]
    : [`https://${place.region}.${signin}`, global];
}

/** The endpoint that the environment or the target's profile names instead of AWS's. */
export function customSignin(env: Environment, { settings }: Pick<SessionRequest, 'settings'>): string | undefined {
  const named = (name: string): string | undefined => env[name] || settings[name] || undefined;
  if (named('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS')?.toLowerCase() === 'true') return undefined;
  const url = named('AWS_ENDPOINT_URL_SIGNIN') ?? named('AWS_ENDPOINT_URL');
  if (url === undefined) return undefined;
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === '') return url.replace(/\/+$/, '');
  throw failure('setting-invalid', `\`${url}\` (AWS_ENDPOINT_URL_SIGNIN or AWS_ENDPOINT_URL) is no address`, {
    hint: 'write it like `http://127.0.0.1:4566`',
  });
}

/** Consoles without a region in their address. */
const globalServices: readonly string[] = ['billing', 'cloudfront', 'iam', 'organizations', 'route53'];

/** Short names whose page is `/NAME/home`. */
const plainServices: readonly string[] = [
  ...'acm apigateway appsync athena backup batch billing cloud9 cloudformation cloudfront cloudtrail cloudwatch'.split(
    ' ',
  ),
  ...'codebuild cognito config dms dynamodbv2 ec2 efs eks elasticache elasticbeanstalk emr events firehose'.split(' '),
  ...'glue guardduty iam inspector kinesis kms lakeformation lambda msk organizations rds redshift route53'.split(' '),
  ...'s3 sagemaker secretsmanager securityhub servicecatalog ses singlesignon sns states trustedadvisor vpc'.split(' '),
];

/** Short names that people type and the console writes otherwise. */
const otherPages: Readonly<Record<string, string>> = {
  bedrock: '/bedrock/home',
  codecommit: '/codesuite/codecommit/repositories',
  codedeploy: '/codesuite/codedeploy/applications',
  codepipeline: '/codesuite/codepipeline/pipelines',
  cost: '/cost-management/home',
  dynamodb: '/dynamodbv2/home',
  ecr: '/ecr/repositories',
  ecs: '/ecs/v2/clusters',
  eventbridge: '/events/home',
  identitycenter: '/singlesignon/home',
  logs: '/cloudwatch/home#logsV2:log-groups',
  sfn: '/states/home',
  sqs: '/sqs/v3/home',
  sso: '/singlesignon/home',
  ssm: '/systems-manager/home',
  stepfunctions: '/states/home',
  waf: '/wafv2/homev2',
};

/** Every short name of a service, for suggestions. */
const consoleServices: readonly string[] = [...plainServices, ...Object.keys(otherPages)].toSorted();

function pageOf(service: string): string {
  if (Object.hasOwn(otherPages, service)) return otherPages[service]!;
  if (plainServices.includes(service)) return `/${service}/home`;
  const near = nearestName(service, consoleServices);
  const other = 'or name its page with `--destination /PATH`';
  throw failure('invalid-option', `\`--service\` does not know \`${service}\``, {
    hint: near === undefined ? `known are s3, ec2, iam, cloudwatch…; ${other}` : `did you mean \`${near}\`? ${other}`,
  });
}

/** `path` with the region put before its fragment. */
function withRegion(path: string, region: string): string {
  const [before = '', ...fragment] = path.split('#');
  const asked = `${before}${before.includes('?') ? '&' : '?'}region=${region}`;
  return fragment.length === 0 ? asked : `${asked}#${fragment.join('#')}`;
}

export interface Opening {
  /** A short name: `s3`. */
  readonly service?: string | undefined;
  /** An address, or a path of the console. */
  readonly destination?: string | undefined;
}

/**
 * The page that the browser ends at.
 * @throws Failure `invalid-option` for a service that is not known or an address that is none, `console-unavailable`.
 */
export function consoleDestination({ service, destination }: Opening, place: ConsolePlace): string {
  if (service !== undefined && destination !== undefined) {
    throw failure('invalid-option', '`--service` and `--destination` exclude each other', { hint: 'give one of them' });
  }
  if (destination !== undefined && !destination.startsWith('/')) return checkAddress(destination);
  const { console } = hosts(place);
  const path = destination ?? (service === undefined ? '/console/home' : pageOf(service));
  const isGlobal = place.region === undefined || (service !== undefined && globalServices.includes(service));
  if (isGlobal) return `https://${console}${path}`;
  return `https://${place.region}.${console}${/[?&]region=/.test(path) ? path : withRegion(path, place.region)}`;
}

function checkAddress(text: string): string {
  const url = URL.parse(text);
  if (url !== null && url.protocol === 'https:' && url.username === '' && url.password === '') return text;
  // The embedded AWS sends a browser back to this machine.
  if (url !== null && url.protocol === 'http:' && /^(?:127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname))
    return text;
  throw failure('invalid-option', `\`--destination\` does not take \`${text}\``, {
    hint: 'give an https address of the console, or a path of it like `/lambda/home`',
  });
}
