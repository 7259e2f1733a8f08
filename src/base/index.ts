// What every room may use: failures, time, durations, JSON, secrets, randomness. No domain words.
export { Failure, failuresOf, isFailure, type FailureKind } from './failure.ts';
export { AdjustableClock, isoSeconds, systemClock, type Clock, type Millis } from './clock.ts';
export { formatDuration, formatGoDuration, parseDuration } from './duration.ts';
export { canonicalJson, isObject, type Json } from './json.ts';
export { Secret } from './secret.ts';
export { randomText, systemRandom, uuid, type Random } from './ids.ts';
export { nearestName } from './nearest.ts';
export { visible, visibleLine } from './visible.ts';
export { version } from './version.ts';
