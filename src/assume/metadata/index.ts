// Servers on loopback that hand out a session the way AWS does inside a task or on an instance. Loaded on demand.
import { systemRandom, type Random } from '../../base/index.ts';
import { sessionAccount } from '../account.ts';
import { parseRoleArn } from '../arn.ts';
import type { SessionRequest } from '../model.ts';
import { containerResponder } from './container.ts';
import { instanceResponder } from './instance.ts';
import { Peers, type PeerTools } from './peer.ts';
import { startServer, type MetadataServer } from './server.ts';
import type { SessionKeeper } from './session-keeper.ts';

export { hiddenFiles, metadataChange } from './environment.ts';
export { SessionKeeper } from './session-keeper.ts';

export type ServerKind = 'ecs' | 'imds';

export interface MetadataTools extends PeerTools {
  readonly random?: Random;
}

/** Starts the server of that kind for the session that `keeper` keeps. */
export function startMetadata(
  kind: ServerKind,
  request: Pick<SessionRequest, 'roles' | 'source' | 'region'>,
  keeper: Pick<SessionKeeper, 'current'>,
  { random = systemRandom, ...peer }: MetadataTools,
): Promise<MetadataServer> {
  const { roles, region } = request;
  const role = parseRoleArn(roles.at(-1)?.roleArn ?? '');
  const subject = { role, account: sessionAccount(request), region, keeper };
  if (kind === 'ecs') return startServer(containerResponder(subject, random));
  return startServer(instanceResponder(subject, { clock: peer.clock, random, peers: new Peers(peer) }));
}
