// Switches of an account that are not about one user or role: the version of the global endpoint's tokens,
// and whether its principals may get tokens for services outside AWS.
import type * as Sdk from '@aws-sdk/client-iam';
import { uuid, type Failure } from '../../../base/index.ts';
import { operation } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { tableName, type World } from '../../world.ts';
import { permissionOnAll } from './entities.ts';
import type { Parsed } from './shapes.ts';

/** Id: the account. */
const tokenVersions = tableName<{ readonly version: 1 | 2 }>('iam.token-version');
/** Id: the account. The issuer stays when the feature is switched off. */
const outboundFederation = tableName<{ readonly issuer: string; readonly enabled: boolean }>('iam.outbound-federation');

/** `GlobalEndpointTokenVersion` of GetAccountSummary. */
export function tokenVersionOf(world: World, account: string): 1 | 2 {
  return world.table(tokenVersions).get(account, account)?.version ?? 1;
}

/** The issuer of an account's outgoing web identity tokens; undefined while they are switched off. */
export function outboundIssuerOf(world: World, account: string): string | undefined {
  const row = world.table(outboundFederation).get(account, account);
  return row?.enabled === true ? row.issuer : undefined;
}

const setSecurityTokenServicePreferences = operation<Parsed<Sdk.SetSecurityTokenServicePreferencesRequest>, void>({
  permissions: () => [permissionOnAll('SetSecurityTokenServicePreferences')],
  handle: (input, call) => {
    const version = input.GlobalEndpointTokenVersion === 'v2Token' ? 2 : 1;
    call.world.table(tokenVersions).put(call.account, call.account, { version });
  },
});

const enableOutboundWebIdentityFederation = operation<object, Sdk.EnableOutboundWebIdentityFederationResponse>({
  permissions: () => [permissionOnAll('EnableOutboundWebIdentityFederation')],
  handle: (_input, { world, account, random }) => {
    const known = world.table(outboundFederation).get(account, account);
    if (known?.enabled === true) {
      throw awsFailure('FeatureEnabled', `Outbound identity federation is already enabled for account ${account}`);
    }
    const issuer = known?.issuer ?? `https://${uuid(random)}.tokens.sts.global.api.aws`;
    world.table(outboundFederation).put(account, account, { issuer, enabled: true });
    return { IssuerIdentifier: issuer };
  },
});

function featureDisabled(account: string): Failure {
  return awsFailure('FeatureDisabled', `Outbound identity federation is disabled for account ${account}`);
}

const disableOutboundWebIdentityFederation = operation<object, void>({
  permissions: () => [permissionOnAll('DisableOutboundWebIdentityFederation')],
  handle: (_input, { world, account }) => {
    const issuer = outboundIssuerOf(world, account);
    if (issuer === undefined) throw featureDisabled(account);
    world.table(outboundFederation).put(account, account, { issuer, enabled: false });
  },
});

const getOutboundWebIdentityFederationInfo = operation<object, Sdk.GetOutboundWebIdentityFederationInfoResponse>({
  permissions: () => [permissionOnAll('GetOutboundWebIdentityFederationInfo')],
  handle: (_input, { world, account }) => {
    const issuer = outboundIssuerOf(world, account);
    if (issuer === undefined) throw featureDisabled(account);
    return { IssuerIdentifier: issuer, JwtVendingEnabled: true };
  },
});

export const accountFeatureOperations = {
  SetSecurityTokenServicePreferences: setSecurityTokenServicePreferences,
  EnableOutboundWebIdentityFederation: enableOutboundWebIdentityFederation,
  DisableOutboundWebIdentityFederation: disableOutboundWebIdentityFederation,
  GetOutboundWebIdentityFederationInfo: getOutboundWebIdentityFederationInfo,
};
