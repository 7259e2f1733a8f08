// The package `stint`: what a definition imports.
export { Failure, isFailure } from './base/index.ts';
export { defineAccess, type TypedDefinition } from './access/define.ts';
