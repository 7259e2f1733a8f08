// An embedded AWS whose account knows GitHub as a provider, and short ways to roles that trust issuers.
import * as Iam from '@aws-sdk/client-iam';
import * as Sts from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { clientsOf, dev, trust, type Clients } from '../iam/clients.ts';
import { testToken } from './issuer.ts';

export const github = 'https://token.actions.githubusercontent.com';
export const host = 'token.actions.githubusercontent.com';
export const arnOf = (url: string) => `arn:aws:iam::${dev}:oidc-provider/${url.replace(/^https?:\/\//, '')}`;
/** AWS saves no trust in GitHub that does not look at the subject. */
export const anySubject = { StringLike: { [`${host}:sub`]: 'repo:*' } };

function withSubject({ Condition, ...more }: { readonly Condition?: object }): object {
  return { ...more, Condition: { ...anySubject, ...Condition } };
}

export const everything = ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession', 'sts:SetSourceIdentity'];

export interface WebIdentities {
  readonly cloud: Cloud;
  readonly admin: Clients;
  readonly makeProvider: (url: string, clientIds: string[], thumbprints?: string[]) => Promise<void>;
  /** Makes a role that trusts a provider, with more of its trust statement. Returns its ARN. */
  readonly makeRole: (name: string, provider: string, more?: Parameters<typeof trust>[1]) => Promise<string>;
  readonly assume: (
    roleArn: string,
    token: string,
    more?: Partial<Sts.AssumeRoleWithWebIdentityCommandInput>,
  ) => Promise<Sts.AssumeRoleWithWebIdentityCommandOutput>;
  /** A token as GitHub would sign it. */
  readonly fromGithub: (claims?: object, more?: object) => Promise<string>;
}

/** Starts one; the caller stops its `cloud`. */
export async function startWebIdentities(): Promise<WebIdentities> {
  const cloud = await startCloud();
  const admin = clientsOf(cloud, dev);
  // The keys are there only because the client wants some; the operation is not signed.
  const unsigned = clientsOf(cloud, { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'none' }).sts;
  const makeProvider: WebIdentities['makeProvider'] = async (Url, ClientIDList, ThumbprintList = []) => {
    // An issuer of an earlier test may have had the same port.
    await admin.iam.send(new Iam.DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arnOf(Url) }));
    await admin.iam.send(new Iam.CreateOpenIDConnectProviderCommand({ Url, ClientIDList, ThumbprintList }));
  };
  await makeProvider(github, ['sts.amazonaws.com']);
  return {
    cloud,
    admin,
    makeProvider,
    makeRole: async (RoleName, Federated, more = {}) => {
      const statement = Federated === arnOf(github) ? withSubject(more) : more;
      const AssumeRolePolicyDocument = trust({ Federated }, { Action: everything[0], ...statement });
      const role = { RoleName, AssumeRolePolicyDocument, MaxSessionDuration: 7200 };
      return (await admin.iam.send(new Iam.CreateRoleCommand(role))).Role!.Arn!;
    },
    assume: (RoleArn, WebIdentityToken, more = {}) => {
      const input = { RoleArn, WebIdentityToken, RoleSessionName: 'build', ...more };
      return unsigned.send(new Sts.AssumeRoleWithWebIdentityCommand(input));
    },
    fromGithub: (claims = {}, more = {}) =>
      testToken(cloud, { issuer: github, subject: 'repo:acme/app:ref:refs/heads/main', claims, ...more }),
  };
}
