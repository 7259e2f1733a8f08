// The endpoint from which SDKs take credentials in an ECS task: one address, one token, one JSON object.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
import type { Random } from '../../base/index.ts';
import { isSession, json, keyMembers, noSession, refusal, type Responder, type Subject } from './answer.ts';
import { sameSecret } from './guard.ts';

const tokenBytes = 30;

/** Answers whoever has the token, which is in the variables of one child and nowhere else. */
export function containerResponder({ role, account, keeper }: Subject, random: Random): Responder {
  const token = Buffer.from(random.bytes(tokenBytes)).toString('base64url');
  const about = {
    ...(role === undefined ? {} : { RoleArn: `arn:${role.partition}:iam::${role.account}:role/${role.name}` }),
    ...(account === undefined ? {} : { AccountId: account }),
  };
  return {
    variables: (port) => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    }),
    async answer({ method, path, headers }) {
      const given = headers['authorization'];
      if (typeof given !== 'string' || !sameSecret(given, token)) {
        return refusal(401, 'Unauthorized', 'the header Authorization does not hold AWS_CONTAINER_AUTHORIZATION_TOKEN');
      }
      if (path.join('/') !== 'credentials') return refusal(404, 'NotFound', 'credentials are at `/credentials`');
      if (method !== 'GET') return refusal(405, 'MethodNotAllowed', 'use GET');
      const found = await keeper.current();
      return isSession(found) ? json(200, { ...keyMembers(found), ...about }) : noSession(found);
    },
  };
}
