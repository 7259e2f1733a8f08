// The broker: lends AWS credentials under leases, over Vault's HTTP API.
export { startBroker, type Broker, type BrokerOptions } from './broker.ts';
export { brokerFailure } from './failures.ts';
export { parseListenAddress } from './http/listen.ts';
export type { LogEntry } from './log.ts';
export {
  featureNames,
  features,
  keyPolicy,
  widestScope,
  type FeatureName,
  type RightsScope,
} from './engines/aws/rights.ts';
export { openLocalSeal } from './seal/local.ts';
