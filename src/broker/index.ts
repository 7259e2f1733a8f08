// The broker: lends AWS credentials under leases, over Vault's HTTP API.
export { startBroker, type Broker } from './broker.ts';
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
