// The broker: lends AWS credentials under leases, over Vault's HTTP API.
export { startBroker, type Broker, type BrokerOptions } from './broker.ts';
export { parseListenAddress, type ListenAddress } from './http/listen.ts';
export type { Log, LogEntry } from './log.ts';
export type { AuditDevice, AuditRecord } from './audit.ts';
