// Embedded AWS: what `stint cloud` runs and tests import.
export { AdjustableClock } from '../base/index.ts';
