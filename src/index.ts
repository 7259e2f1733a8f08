// The package `stint`: what a definition imports.
export { Failure, isFailure } from './base/index.ts';
