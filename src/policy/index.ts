// The IAM language: parse, match, evaluate, explain. Pure: no I/O, no clock, no process.
export type * from './types.ts';
