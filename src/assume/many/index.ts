// One command for many targets. Loaded by who has many.
export { chooseTargets, isProduction, splitTargets, type NamedTarget } from './choose.ts';
export { KeptOutput, LabelledLines } from './output.ts';
export { execMany, type ManyOutcome, type Sink } from './run.ts';
