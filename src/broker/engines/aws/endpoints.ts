// Which endpoints and regions a mount's calls go to. Facts: hashicorp/vault builtin/logical/aws/client.go;
// docs.aws.amazon.com/general/latest/gr/sts.html. Pure.
import type { Environment } from './clients.ts';
import { endpointUrl, type RootConfig } from './config.ts';

/** An address, empty for the SDK's own choice, and the region that calls to it are signed for. */
export interface Target {
  readonly endpoint: string;
  readonly region: string;
}

function ordinaryRegion({ region }: RootConfig, environment: Environment): string {
  return region || environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || 'us-east-1';
}

/** Regions for which AWS's endpoints without a region in their name are signed. */
const globalRegions: Readonly<Record<string, string>> = {
  'sts.amazonaws.com': 'us-east-1',
  'iam.amazonaws.com': 'us-east-1',
  'iam.us-gov.amazonaws.com': 'us-gov-west-1',
};

// AWS refuses a call whose signature names another region than the endpoint's, whatever region the mount has.
function signingRegion(endpoint: string, otherwise: string): string {
  if (endpoint === '') return otherwise;
  const { hostname } = new URL(endpointUrl(endpoint));
  const regional = /^(?:sts|iam)(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(hostname)?.[1];
  return regional ?? globalRegions[hostname] ?? otherwise;
}

export function iamTarget(config: RootConfig, environment: Environment): Target {
  const { iamEndpoint: endpoint } = config;
  return { endpoint, region: signingRegion(endpoint, ordinaryRegion(config, environment)) };
}

/** In the order in which they are tried: the configured one, then the fallbacks. */
export function stsTargets(config: RootConfig, environment: Environment): readonly [Target, ...Target[]] {
  const { stsEndpoint, stsRegion, stsFallbackEndpoints, stsFallbackRegions } = config;
  const region = stsRegion || signingRegion(stsEndpoint, ordinaryRegion(config, environment));
  const fallbacks = stsFallbackEndpoints.map((endpoint, index) => ({
    endpoint,
    region: stsFallbackRegions[index] || signingRegion(endpoint, region),
  }));
  return [{ endpoint: stsEndpoint, region }, ...fallbacks];
}
